/**
 * The live log: what came, kept in order, the oldest gone first.
 *
 * @module
 */
import type { LogItem } from "../api/wire.ts";
import { headlineOf } from "./headline.ts";

/** How many rows are kept. */
export const MAX_ROWS = 10_000;

/** One event, and what is shown of it in one line. */
export interface Row {
  readonly item: LogItem;
  /** Lower case, for searching. */
  readonly text: string;
  readonly summary: string;
}

/** What came. */
export class EventLog {
  #rows: Row[] = [];
  #dropped = 0;
  #last = 0;

  /** All rows, oldest first. */
  get rows(): readonly Row[] {
    return this.#rows;
  }

  /** How many have gone from the front. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The sequence of the newest. */
  get last(): number {
    return this.#last;
  }

  /** Adds what came; what is there already is passed over. */
  add(items: readonly LogItem[]): void {
    for (const item of items) {
      if (item.sequence <= this.#last) continue;
      this.#last = item.sequence;
      this.#rows.push(rowOf(item));
    }
    const over = this.#rows.length - MAX_ROWS;
    if (over <= 0) return;
    this.#rows = this.#rows.slice(over);
    this.#dropped += over;
  }

  /** Forgets all. @param last The sequence after which it goes on. */
  clear(last: number = this.#last): void {
    this.#rows = [];
    this.#dropped = 0;
    this.#last = last;
  }
}

/** As much of an event is looked at, in characters. */
const LOOKED_AT = 2_000;

/** What an event says, in one line. */
export function summaryOf(item: LogItem): string {
  const { payload } = item;
  if (payload === null) return item.text ?? "";
  if (item.kind === "result") return `${item.id} ${cut(headlineOf(item))}`;
  if (item.kind !== "event") return `${item.id} ${cut(JSON.stringify(payload))}`;
  if (Array.isArray(payload.work)) return payload.work.map(pieceOf).join("; ");
  const { agent_id, role, reason, message } = payload;
  // Reports of agents name their work item, whatever their type.
  if (item.work === undefined && item.type?.startsWith("agent.")) {
    return [`${agent_id}`, role && `role ${role}`, reason].filter(Boolean).join(", ");
  }
  return typeof message === "string" ? message : cut(JSON.stringify(payload));
}

function pieceOf(piece: unknown): string {
  const { id, agent_id, attempt, reason } = (piece ?? {}) as Record<string, unknown>;
  const to = agent_id ? ` ${agent_id}` : "";
  return `${id}${to}${Number(attempt) > 1 ? `, attempt ${attempt}` : ""}${
    reason ? `, ${reason}` : ""
  }`;
}

function rowOf(item: LogItem): Row {
  const summary = cut(summaryOf(item));
  const text = `${item.type} ${item.session_id} ${item.role ?? ""} ${summary}`.toLowerCase();
  return { item, summary, text };
}

function cut(text: string): string {
  return text.length > LOOKED_AT ? text.slice(0, LOOKED_AT) : text;
}
