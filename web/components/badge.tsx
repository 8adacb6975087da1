/**
 * States, in words and colour.
 *
 * @module
 */
import type { VNode } from "preact";

/** Which colour a state has: by how it is meant, never by colour alone. */
const TONES: Readonly<Record<string, string>> = {
  healthy: "good",
  connected: "good",
  done: "good",
  in_hand: "busy",
  starting: "busy",
  waiting: "calm",
  disconnected: "warn",
  unknown: "warn",
  redelivered: "warn",
  gone: "warn",
  cancelled: "warn",
  failing: "bad",
  limited: "warn",
  silent: "warn",
  failed: "bad",
  unhealthy: "bad",
  dead: "bad",
  exited: "warn",
};

/** A state. The API's `in_hand` is "running" to people. */
export function Badge({ state }: { readonly state: string }): VNode {
  const word = state === "in_hand" ? "running" : state;
  return <span class={`badge ${TONES[state] ?? "calm"}`}>{word}</span>;
}
