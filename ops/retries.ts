/**
 * Which work was sent again as which, as the log's copies of work say in `Ourocodus-Retry-Of`; those
 * of versions before named the dead letter alone, in `Ourocodus-Requeued`.
 *
 * Any client may set that header, so it counts only for work of the copy's own session and role.
 *
 * @module
 */
import type { LogRecord } from "@ourocodus/bus";
import { LOG_HEADER } from "@ourocodus/protocol";

/** Collects it while the log is read. */
export class Retries {
  /** The retried work → the newest sequence as which it was sent again. */
  readonly #newest = new Map<string, number>();
  /** The dead letter's sequence → the same. */
  readonly #ofLetters = new Map<string, number>();

  /** Looks at a record; only copies of work say something. */
  look(record: LogRecord): void {
    if (record.kind !== "stored" || record.work === undefined) return;
    const { sequence } = record.work;
    const note = (newest: Map<string, number>, retried: string | undefined) => {
      if (retried === undefined) return;
      const key = keyOf(record, retried);
      newest.set(key, Math.max(sequence, newest.get(key) ?? 0));
    };
    note(this.#newest, record.header(LOG_HEADER.retryOf));
    note(this.#ofLetters, record.header(LOG_HEADER.requeued));
  }

  /**
   * The newest sequence as which work was sent again; `undefined` if it was not, as far as was read.
   *
   * @param record Its copy, outcome or dead letter.
   */
  of(record: LogRecord | undefined): number | undefined {
    if (record?.work === undefined) return undefined;
    const newest = this.#newest.get(keyOf(record, record.work.identity));
    if (newest !== undefined || record.kind !== "dead") return newest;
    return this.#ofLetters.get(keyOf(record, String(record.sequence)));
  }
}

function keyOf({ session, role }: LogRecord, identity: string): string {
  return `${session} ${role} ${identity}`;
}
