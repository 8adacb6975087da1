/**
 * Work whose `Nats-Msg-Id` the server knew: it has stored nothing, and names the work item that it
 * has under it. Whether that is the same message, the log's copy tells.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type Connection, PublishError, readLog } from "@ourocodus/bus";
import { isObject, storedSubject } from "@ourocodus/protocol";
import type { WorkTarget } from "./work_payload.ts";

/** Work that the server says it has already. */
export interface KnownWork {
  /** Its message's id. */
  readonly id: string;
  /** Of the work item that the server has, in the work stream. */
  readonly sequence: number;
  /** Of its message, see {@linkcode fingerprint}. */
  readonly fingerprint: string;
  /**
   * Whether the server had it when it was first published. If not, the server found it only when it
   * was published again: the first acknowledgement was lost, and the stored message is this one,
   * unless the log shows another.
   */
  readonly duplicate: boolean;
}

/** Nothing was stored: the id is that of another message, or it cannot be told whether it is. */
export class TakenIdError extends PublishError {
  /** The other message's, in the work stream. */
  readonly sequence: number;

  constructor(message: string, sequence: number) {
    super(message);
    this.sequence = sequence;
  }
}

/** Streams recognise a `Nats-Msg-Id` for two minutes; the rest allows for clocks that differ. */
const LOOK_BACK_MS = 300_000;
/** A copy follows its work at once: if there is nothing to read for this long, none will come. */
const QUIET_MS = 2_000;
const TICK_MS = 100;

/**
 * A hash of what a message says. The order of fields and white space make no difference, any digit of
 * a number does.
 */
export function fingerprint(text: string): string {
  return createHash("sha256").update(canonical(text)).digest("base64");
}

function canonical(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text, inOrder as (key: string, value: unknown) => unknown));
  } catch {
    return text; // Nested too deep for that.
  }
}

function inOrder(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value === "number") return `#${source}`;
  if (typeof value === "string") return `"${value}`;
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1));
}

/**
 * Finds the work whose id is taken: another message is stored under it, or the log has lost the
 * message, so that the result could be another's.
 *
 * @param target Where all of it was sent.
 * @returns The taken work, each with an error that says so.
 * @throws {StreamError} If the log cannot be read.
 */
export async function takenIds<K extends KnownWork>(
  connection: Connection,
  { session, role }: WorkTarget,
  works: readonly K[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Map<K, TakenIdError>> {
  if (works.length === 0) return new Map();
  const unsure = works.filter(({ duplicate }) => duplicate);
  const taken = new Map(unsure.map((work) => [work, unknown(work)]));
  const bySequence = Map.groupBy(works, ({ sequence }) => sequence);
  const last = Math.max(0, ...bySequence.keys());
  const ended = new AbortController();
  let heardAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - heardAt > QUIET_MS) ended.abort();
  }, TICK_MS);
  try {
    const copies = readLog(connection, storedSubject(session, role), {
      since: new Date(Date.now() - LOOK_BACK_MS),
      follow: true,
      signal: AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]),
    });
    for await (const { work, text } of copies) {
      heardAt = performance.now();
      const sequence = work?.sequence ?? 0;
      const found = bySequence.get(sequence) ?? [];
      const stored = found.length === 0 ? "" : fingerprint(text);
      for (const known of found) {
        if (known.fingerprint === stored) taken.delete(known);
        else taken.set(known, other(known));
      }
      // Copies lie in the order of their work.
      if (sequence >= last) break;
    }
  } finally {
    clearInterval(timer);
  }
  return taken;
}

function other({ id, sequence }: KnownWork): TakenIdError {
  const message = `id ${JSON.stringify(id)} was used for another message a moment ago, sequence ` +
    `${sequence}; nothing was stored. Send it with another id, or in two minutes`;
  return new TakenIdError(message, sequence);
}

function unknown({ id, sequence }: KnownWork): TakenIdError {
  const message = `id ${JSON.stringify(id)} was used a moment ago, sequence ${sequence}, and the ` +
    "log does not have that message to compare; nothing was stored. Send it with another id";
  return new TakenIdError(message, sequence);
}
