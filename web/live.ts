/**
 * What the page hears without asking: whether API and NATS are there, and what changes.
 *
 * @module
 */
import { signal } from "@preact/signals";
import type { LogItem } from "../api/wire.ts";

/** What is wrong, and since when what is shown is old. */
export type Trouble =
  | { readonly kind: "none" }
  | { readonly kind: "api" | "nats"; readonly since: number };

/** What is wrong now. */
export const trouble = signal<Trouble>({ kind: "none" });

/** Rare events: who comes and goes, and what goes wrong. Frequent ones are the events page's. */
const TYPES = "agent.connected,agent.disconnected,work.dead,work.redelivered";
const listeners = new Set<(item: LogItem) => void>();

/** Begins to listen. */
export function beginLive(): void {
  const source = new EventSource(`/api/events?type=${TYPES}`);
  source.addEventListener("message", ({ data }) => {
    const item = JSON.parse(data) as LogItem;
    for (const listener of [...listeners]) listener(item);
  });
  source.addEventListener("status", ({ data }) => {
    const { nats } = JSON.parse(data) as { readonly nats: string };
    if (nats === "connected") trouble.value = { kind: "none" };
    else if (trouble.value.kind !== "nats") trouble.value = { kind: "nats", since: Date.now() };
  });
  source.addEventListener("error", () => {
    if (trouble.value.kind === "none") trouble.value = { kind: "api", since: Date.now() };
    // A browser gives up on answers such as 503.
    if (source.readyState === EventSource.CLOSED) setTimeout(beginLive, 2_000);
  });
}

/** Tells of events. @returns Ends that. */
export function listen(listener: (item: LogItem) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
