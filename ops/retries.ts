/**
 * Which work was sent again as which. The log's copies of work say so: in `Ourocodus-Retry-Of` they
 * name the work; those of versions before name only its dead letter, in `Ourocodus-Requeued`.
 *
 * Any client may set these headers, so they count only for work of the copy's own session and role.
 *
 * @module
 */
import type { LogRecord } from "@ourocodus/bus";
import { LOG_HEADER } from "@ourocodus/protocol";

/** Collects it while the log is read. */
export class Retries {
  /** What was retried: an identity or a dead letter → the newest sequence as which it was sent again. */
  readonly #newest = new Map<string, number>();

  /** Looks at a record; only copies of work say something. */
  look(record: LogRecord): void {
    if (record.kind !== "stored" || record.work === undefined) return;
    for (const name of [LOG_HEADER.retryOf, LOG_HEADER.requeued]) {
      const retried = record.header(name);
      if (retried === undefined) continue;
      const key = keyOf(record, retried);
      this.#newest.set(key, Math.max(record.work.sequence, this.#newest.get(key) ?? 0));
    }
  }

  /**
   * The newest sequence as which a work item was sent again; `undefined` if it was not, as far as was
   * read.
   *
   * @param records The work item's: one that has its identity, and its dead letter, if it has one.
   */
  of(...records: readonly (LogRecord | undefined)[]): number | undefined {
    const newest = records.flatMap((record) => record === undefined ? [] : namesOf(record))
      .flatMap((key) => this.#newest.get(key) ?? []);
    return newest.length === 0 ? undefined : Math.max(...newest);
  }
}

/** What a retry may call the work that a record is of. */
function namesOf(record: LogRecord): string[] {
  const { kind, sequence, work } = record;
  return [
    ...(work === undefined ? [] : [keyOf(record, work.identity)]),
    ...(kind === "dead" ? [keyOf(record, String(sequence))] : []),
  ];
}

function keyOf({ session, role }: LogRecord, retried: string): string {
  return `${session} ${role} ${retried}`;
}
