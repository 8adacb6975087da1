/**
 * What agents have used, in a file that several agent programs share and that survives them.
 *
 * Invariants:
 * 1. A request that a limit concerns is on disk, with the most that it can use, before it is sent.
 *    What it has used need not be at once: if the machine stops, the reservation is found.
 * 2. What is used and reserved never gets less, except that a request's reservation becomes what it
 *    has used. The reservations of a program that was killed stay: nobody knows what they have used.
 * 3. Of requests that are let through at once, each but the last fits: a limit is exceeded by one
 *    request at most.
 * 4. If the file cannot be read or written, nothing is let through. It is never made anew.
 *
 * @module
 */
import { linkSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { messageOf, OurocodusError } from "@ourocodus/protocol";

/** The file cannot be read or written. */
export class LedgerError extends OurocodusError {
  override readonly name = "LedgerError";

  constructor(path: string, cause: unknown) {
    const why = messageOf(cause);
    const next = "look at it, or remove it to count from zero, while no agent runs";
    super("ledger", `Cannot count tokens in ${path}: ${why}; ${next}`, { cause });
  }
}

/** What a request may use, of whose tokens. */
export interface TokenLimits {
  /** Of all that was ever counted in the file. */
  readonly total?: number;
  /** Of the work item. */
  readonly work?: number;
}

/** A limit that is used up. */
export interface UsedUp {
  readonly kind: "used_up";
  readonly scope: "total" | "work";
  /** What is used, and reserved by others. */
  readonly tokens: number;
  readonly max: number;
}

/** Whether a request may be sent. */
export type Reservation =
  | { readonly kind: "reserved"; readonly id: number }
  | UsedUp
  /** It may, if what this program has under way uses less than it can. */
  | { readonly kind: "busy" };

interface Statements {
  readonly used: StatementSync;
  readonly reserved: StatementSync;
  readonly reservedInAll: StatementSync;
  readonly reserve: StatementSync;
  readonly release: StatementSync;
  readonly use: StatementSync;
}

/** The row of all tokens; a work item's key is never empty. */
const TOTAL = "";
const VERSION = 1;
/** How long another program may write, in milliseconds; it takes one or two. */
const BUSY_MS = 5_000;

/** Counts tokens in a file. */
export class Ledger implements Disposable {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #sql: Statements;
  /** What this program has under way. */
  readonly #underWay = new Map<number, { readonly work: string; readonly tokens: number }>();
  #settled = Promise.withResolvers<void>();

  /** Opens the file, and makes it if there is none. @throws {LedgerError} */
  static open(path: string): Ledger {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      if (statSync(path, { throwIfNoEntry: false }) === undefined) make(path);
      return new Ledger(path);
    } catch (error) {
      throw error instanceof LedgerError ? error : new LedgerError(path, error);
    }
  }

  private constructor(path: string) {
    // SQLite takes an empty file for a new one.
    if (statSync(path).size === 0) throw new LedgerError(path, "it is empty");
    this.#path = path;
    const database = new DatabaseSync(path);
    try {
      database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      const checked = database.prepare("PRAGMA quick_check").get()?.quick_check;
      const version = database.prepare("PRAGMA user_version").get()?.user_version;
      if (checked !== "ok") throw new LedgerError(path, String(checked));
      if (version !== VERSION) throw new LedgerError(path, `its version is ${version}`);
      this.#sql = statements(database);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
  }

  /** What was ever used, and is reserved. @throws {LedgerError} */
  get tokens(): number {
    return this.#guarded(() => this.#tokensOf(TOTAL));
  }

  /**
   * Reserves what a request can use.
   *
   * @param work The work item that it is for; none before there is one.
   * @param tokens The most that it can use.
   * @throws {LedgerError}
   */
  reserve(work: string | undefined, tokens: number, limits: TokenLimits): Reservation {
    const isLimited = limits.total !== undefined || limits.work !== undefined;
    const reservation = this.#transaction(isLimited, (): Reservation => {
      const scopes = [
        { scope: "total", key: TOTAL, max: limits.total },
        { scope: "work", key: work, max: limits.work },
      ] as const;
      let isBusy = false;
      for (const { scope, key, max } of scopes) {
        if (key === undefined || max === undefined) continue;
        const all = this.#tokensOf(key);
        const others = all - this.#underWayOf(key);
        if (others >= max) return { kind: "used_up", scope, tokens: others, max };
        isBusy ||= all >= max;
      }
      if (isBusy) return { kind: "busy" };
      const { lastInsertRowid } = this.#sql.reserve.run(work ?? TOTAL, tokens);
      return { kind: "reserved", id: Number(lastInsertRowid) };
    });
    if (reservation.kind === "reserved") {
      this.#underWay.set(reservation.id, { work: work ?? TOTAL, tokens });
    }
    return reservation;
  }

  /**
   * A request has ended.
   *
   * @param tokens What it has used; undefined if that is not known: then it counts as reserved.
   * @throws {LedgerError} It stays reserved.
   */
  settle(id: number, tokens: number | undefined): void {
    const request = this.#underWay.get(id);
    if (request === undefined) return;
    this.#underWay.delete(id);
    const { promise: _, resolve } = this.#settled;
    this.#settled = Promise.withResolvers();
    resolve();
    this.#transaction(false, () => {
      this.#sql.release.run(id);
      const keys = request.work === TOTAL ? [TOTAL] : [TOTAL, request.work];
      for (const key of keys) this.#sql.use.run(key, tokens ?? request.tokens);
    });
  }

  /** Settles when a request of this program has ended. */
  untilSettled(): Promise<void> {
    return this.#settled.promise;
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #tokensOf(key: string): number {
    const reserved = key === TOTAL ? this.#sql.reservedInAll.get() : this.#sql.reserved.get(key);
    return Number(this.#sql.used.get(key)?.tokens ?? 0) + Number(reserved?.tokens ?? 0);
  }

  #underWayOf(key: string): number {
    return [...this.#underWay.values()].filter(({ work }) => key === TOTAL || work === key)
      .reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** @param isDurable Whether it survives the machine, and not only this program. */
  #transaction<T>(isDurable: boolean, run: () => T): T {
    return this.#guarded(() => {
      this.#database.exec(`PRAGMA synchronous = ${isDurable ? "FULL" : "NORMAL"}`);
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = run();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw new LedgerError(this.#path, error);
    }
  }
}

/** Makes the file at once, whole: another program may look for it now. */
function make(path: string): void {
  const draft = `${path}.${crypto.randomUUID()}`;
  const database = new DatabaseSync(draft);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE used (work TEXT PRIMARY KEY, tokens INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE reserved (
      id INTEGER PRIMARY KEY AUTOINCREMENT, work TEXT NOT NULL, tokens INTEGER NOT NULL
    ) STRICT;
    PRAGMA user_version = ${VERSION};
  `);
  database.close();
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
}

function statements(database: DatabaseSync): Statements {
  return {
    used: database.prepare("SELECT tokens FROM used WHERE work = ?"),
    reserved: database.prepare("SELECT sum(tokens) AS tokens FROM reserved WHERE work = ?"),
    reservedInAll: database.prepare("SELECT sum(tokens) AS tokens FROM reserved"),
    reserve: database.prepare("INSERT INTO reserved (work, tokens) VALUES (?, ?)"),
    release: database.prepare("DELETE FROM reserved WHERE id = ?"),
    use: database.prepare(
      "INSERT INTO used VALUES (?, ?) ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens",
    ),
  };
}
