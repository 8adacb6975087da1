/**
 * A fault is a test: it breaks something, says when, sees work go on, and closes the books.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Balance, type Books, isBalanced } from "../../support/mod.ts";
import { ASKED_SERVERS, keepRecord, SERVERS } from "./record.ts";

/** What a fault's test tells of it. */
export class Fault {
  readonly #name: string;
  readonly #servers: number;
  #struckAt: number | undefined;
  #wentOnMs: number | undefined;
  #lost: string | undefined;
  #works = 0;
  #lingering = 0;
  #note: string | undefined;

  constructor(name: string, servers: number) {
    this.#name = name;
    this.#servers = servers;
  }

  /** The fault happens now. */
  strikes(): void {
    this.#struckAt ??= performance.now();
  }

  /** Work that had to wait for it went on now; only the first call counts. */
  goesOn(): void {
    if (this.#struckAt === undefined) throw new Error("the fault has not struck yet");
    this.#wentOnMs ??= performance.now() - this.#struckAt;
  }

  /** Says in a few words what happened besides. */
  note(text: string): void {
    this.#note = text;
  }

  /**
   * Waits until all work that was booked has an outcome, and asserts that each has exactly one.
   *
   * @returns The balance.
   */
  async closes(books: Books, timeoutMs?: number): Promise<Balance> {
    const balance = await books.settled(timeoutMs);
    this.#works += balance.acknowledged;
    this.#lost = loss(balance);
    this.#lingering = balance.lingering.length;
    assert.ok(isBalanced(balance), `the books are not balanced: ${Deno.inspect(balance)}`);
    return balance;
  }

  /** Says what was lost by a fault that may lose something, or whose books cannot be kept. */
  lost(what: string, works: number): void {
    this.#lost = what;
    this.#works = works;
  }

  /** The record of it. @throws {Error} If the test has not closed its books. */
  record(): void {
    if (this.#lost === undefined) throw new Error("the books were not closed");
    if (this.#struckAt === undefined) throw new Error("the fault has not struck");
    const left = this.#lingering;
    const lingering = left === 0
      ? ""
      : `; ${left} answered, left in the queue for a relay to remove`;
    keepRecord({
      fault: this.#name,
      lost: this.#lost,
      works: this.#works,
      servers: this.#servers,
      wentOnMs: this.#wentOnMs,
      note: `${this.#note ?? ""}${lingering}`,
    });
  }
}

/** Options of {@linkcode faultTest}. */
export interface FaultTestOptions {
  /** Why this machine cannot cause the fault; the test is skipped then, which is said. */
  readonly impossible?: string;
  /** How many nats-servers it starts, whatever the run is on; a run on others leaves it out. */
  readonly servers?: number;
}

/**
 * Makes a test of a fault, under its name.
 *
 * @param name The fault, in the words in which people speak of it.
 * @param run Breaks something, and closes the books.
 */
export function faultTest(
  name: string,
  run: (fault: Fault) => Promise<void>,
  { impossible, servers = SERVERS }: FaultTestOptions = {},
): void {
  if (servers !== (ASKED_SERVERS ?? servers)) return;
  if (impossible !== undefined) console.log(`Skipped: fault: ${name}: ${impossible}`);
  Deno.test({
    name: `fault: ${name}`,
    ignore: impossible !== undefined,
    async fn() {
      const fault = new Fault(name, servers);
      await run(fault);
      fault.record();
    },
  });
}

function loss(balance: Balance): string {
  const parts = [
    [balance.vanished.length, "vanished"],
    [balance.waiting, "never answered"],
    [balance.twice.length, "answered twice"],
    [balance.contradicted.length, "cancelled and answered"],
    [balance.unknown.length, "outcomes of nothing"],
  ] as const;
  const lost = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return lost.length === 0 ? "nothing" : lost.join(", ");
}
