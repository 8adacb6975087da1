/**
 * One run: the system is started and put under load, the schedule breaks it, everything is made
 * whole again, the queue runs empty, and the books are closed.
 *
 * @module
 */
import { askRelays, sendAllWork } from "@ourocodus/ops";
import { pause } from "@ourocodus/protocol";
import { type Balance, Books, BusClient, isBalanced } from "../support/mod.ts";
import { Cancellations } from "./cancellations.ts";
import { type Piece, pieces } from "./pieces.ts";
import { formatStep, makeSchedule, seconds, type Step } from "./schedule.ts";
import { ChaosSystem, targets } from "./system.ts";

/** What to run. */
export interface ChaosOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly relays: number;
  /** How many nats-servers; default 1. */
  readonly servers?: number;
  /** Told line by line what happens. */
  readonly say: (line: string) => void;
  /** Ends it early: what is broken is made whole, and the books are closed anyway. */
  readonly signal?: AbortSignal;
}

/** What came of it. */
export interface ChaosOutcome {
  readonly steps: readonly Step[];
  readonly balance: Balance;
  readonly balanced: boolean;
}

/** Between two work items, in milliseconds. */
const PACE_MS = 25;
const SUMMARY_MS = 10_000;
/** How long nothing may get done once all is whole again, though work waits. */
const SETTLE_MS = 120_000;

/** Runs it. @throws {Error} If the system cannot be started, or work cannot be sent any more. */
export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { seed, durationMs, relays, servers = 1, say, signal } = options;
  await using system = await ChaosSystem.start(relays, servers);
  await using client = await BusClient.connect(system.nats.url);
  const books = new Books(client);
  const over = new AbortController();
  const sending = send(client, books, seed, over.signal);
  const steps = makeSchedule(seed, durationMs, targets(relays, servers));
  const end = AbortSignal.any([over.signal, ...(signal === undefined ? [] : [signal])]);
  const report = setInterval(() => {
    say(`          ${books.booked.length} work items acknowledged`);
  }, SUMMARY_MS);
  try {
    await strikeAll(system, steps, durationMs, { say, signal: end });
  } finally {
    clearInterval(report);
    over.abort();
  }
  say("All is made whole again, and all work is done");
  await system.isWhole();
  await sending;
  const wholeAt = performance.now();
  const balance = await books.settled(SETTLE_MS);
  say(`All work was done after ${seconds(performance.now() - wholeAt)}`);
  const balanced = isBalanced(balance) && balance.undercharged.length === 0;
  if (!balanced) {
    const { agents } = await askRelays(client.connection, { work: true });
    const busy = agents.filter(({ work = [] }) => work.length > 0);
    say(`Who has running work:\n${Deno.inspect(busy, { depth: 5 })}`);
    say(`What the programs wrote last:\n${system.output}`);
  }
  return { steps, balance, balanced };
}

/** How a balance reads. */
export function formatBalance(balance: Balance): string {
  const rows: [string, number][] = [
    ["acknowledged to its sender", balance.acknowledged],
    ["answered", balance.answered],
    ["dead, as dead letters", balance.dead],
    ["dead, with an error result alone", balance.unburied.length],
    ["cancelled", balance.cancelled],
    ["still waiting", balance.waiting],
    ["answered, and still in the queue", balance.lingering.length],
    ["vanished", balance.vanished.length],
    ["answered twice", balance.twice.length],
    ["dead, of too few attempts", balance.undercharged.length],
    ["cancelled, by the receipt, and answered", balance.contradicted.length],
    ["outcomes of nothing", balance.unknown.length],
  ];
  const lines = rows.map(([what, count]) => `  ${String(count).padStart(7)}  ${what}`);
  const { lingering, vanished, twice, undercharged, contradicted } = balance;
  const bad = [...lingering, ...vanished, ...twice, ...undercharged, ...contradicted].slice(0, 20);
  return [
    ...lines,
    ...bad.map((work) => `  ${JSON.stringify(work)}`),
    ...balance.unknown.slice(0, 20).map((what) => `  ${what}`),
  ].join("\n");
}

async function strikeAll(
  system: ChaosSystem,
  steps: readonly Step[],
  durationMs: number,
  { say, signal }: { say: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const begun = performance.now();
  const broken = new Map<() => void, number>();
  const mend = (now: number) => {
    for (const [whole, atMs] of broken) {
      if (atMs > now) continue;
      broken.delete(whole);
      whole();
    }
  };
  const moments = [...steps.flatMap(({ atMs, lastsMs }) => [atMs, atMs + lastsMs]), durationMs];
  let next = 0;
  for (const moment of moments.sort((a, b) => a - b)) {
    await pause(moment - (performance.now() - begun), signal);
    if (signal.aborted) break;
    mend(moment);
    for (let step = steps[next]; step !== undefined && step.atMs <= moment; step = steps[++next]) {
      say(formatStep(step));
      broken.set(system.strike(step), step.atMs + step.lastsMs);
    }
  }
  mend(Infinity);
}

/** Sends piece after piece, and books what is acknowledged, until it is told to stop. */
async function send(
  client: BusClient,
  books: Books,
  seed: number,
  signal: AbortSignal,
): Promise<void> {
  const source = async function* (): AsyncGenerator<Piece> {
    for (const piece of pieces(seed)) {
      await pause(PACE_MS, signal);
      if (signal.aborted) return;
      yield piece;
    }
  };
  const cancellations = new Cancellations(client.connection, books);
  const { stopped, failed, unconfirmed } = await sendAllWork(client.connection, source(), {
    window: 256,
    onSent: ({ session, role, id, cancelAfterMs }, { sequence, duplicate }) => {
      books.book({ session, role, id, sequence });
      if (cancelAfterMs !== undefined && !duplicate) cancellations.after(cancelAfterMs, sequence);
    },
  });
  await cancellations.done();
  if (stopped !== undefined) throw stopped;
  if (failed + unconfirmed > 0) {
    throw new Error(`${failed} work items were refused, ${unconfirmed} not acknowledged`);
  }
}
