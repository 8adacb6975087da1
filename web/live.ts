/**
 * What the page hears without asking: whether API and NATS are there, and what changes.
 *
 * @module
 */
import { signal } from "@preact/signals";
import type { LogItem } from "../api/wire.ts";
import { followEvents } from "./event_source.ts";
import { refused } from "./token.ts";

/** What is wrong, and of the API since when; of NATS the API knows that. */
export type Trouble =
  | { readonly kind: "none" | "nats" }
  | { readonly kind: "api"; readonly since: number };

/** What is wrong now. */
export const trouble = signal<Trouble>({ kind: "none" });

/** Rare events: who comes and goes, and what goes wrong. Frequent ones are the events page's. */
const TYPES = "agent.connected,agent.disconnected,agent.suspended,agent.resumed," +
  "work.cancelled,work.dead,work.redelivered,work.silent";
const listeners = new Set<(item: LogItem) => void>();

/** Begins to listen. */
export function beginLive(): void {
  followEvents(`/api/events?type=${TYPES}`, {
    onEvent({ name, data }) {
      if (name === "message") tell(JSON.parse(data) as LogItem);
      if (name === "status") noteStatus(JSON.parse(data) as { readonly nats: string });
    },
    onLost(refusal) {
      // A 403 is an answer too: the API is up.
      if (refusal?.status === 403) {
        if (trouble.value.kind !== "none") trouble.value = { kind: "none" };
        // Without a token nothing is known of it.
      } else if (trouble.value.kind === "none" && refused.value === undefined) {
        trouble.value = { kind: "api", since: Date.now() };
      }
    },
  });
}

function tell(item: LogItem): void {
  for (const listener of [...listeners]) listener(item);
}

function noteStatus({ nats }: { readonly nats: string }): void {
  if (nats === "connected") trouble.value = { kind: "none" };
  else if (trouble.value.kind !== "nats") trouble.value = { kind: "nats" };
}

/** Tells of events. @returns Ends that. */
export function listen(listener: (item: LogItem) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
