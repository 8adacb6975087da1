/**
 * One measurement of the event stream: clients in processes of their own, phases at fixed rates.
 *
 * @module
 */
import type { Connection } from "@ourocodus/bus";
import { eventsSubject } from "@ourocodus/protocol";
import {
  type ApiProcess,
  ROOT,
  startProcess,
  type TestNats,
  type TestProcess,
} from "../tests/support/mod.ts";
import { now } from "./clock.ts";
import { BENCH_EVENT, PHASE_END, type PhaseReport } from "./event_readers.ts";
import { Latencies } from "./latencies.ts";
import { processCost } from "./process_cost.ts";

/** What is measured. */
export interface EventSystem {
  readonly nats: TestNats;
  readonly connection: Connection;
  readonly api: ApiProcess;
}

/** What is published in a phase. */
export interface EventLoad {
  /** Events a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Length of an event's text. */
  readonly bytes: number;
}

/** What was measured in a phase. */
export interface EventPhase {
  readonly rate: number;
  /** How long it took. */
  readonly wallMs: number;
  readonly published: number;
  /** Events that the clients got, all together. */
  readonly received: number;
  /** How many of these were not the next after the one before. */
  readonly outOfOrder: number;
  /** From when an event was due to be published until a client had read it. */
  readonly latencies: Latencies;
  /** CPU time in milliseconds: of the API, of nats-server, of the clients. */
  readonly apiCpuMs: number;
  readonly natsCpuMs: number;
  readonly clientCpuMs: number;
  /** The API's memory at the end. */
  readonly residentBytes: number;
}

const TIMEOUT_MS = 120_000;

/** Clients of the event stream, all connected. Disposing of them ends them. */
export class EventClients implements AsyncDisposable {
  readonly count: number;
  readonly #system: EventSystem;
  readonly #processes: readonly TestProcess[];

  private constructor(count: number, system: EventSystem, processes: readonly TestProcess[]) {
    this.count = count;
    this.#system = system;
    this.#processes = processes;
  }

  /** Starts them, shared out among `processes`, and waits until the API has answered each. */
  static async start(system: EventSystem, count: number, processes = 1): Promise<EventClients> {
    const shares = Array.from(
      { length: Math.min(processes, count) },
      (_, index) => Math.floor((count + index) / Math.min(processes, count)),
    );
    const clients = new EventClients(
      count,
      system,
      shares.map((share) =>
        startProcess(Deno.execPath(), [
          ...[
            "run",
            "-A",
            `${ROOT}/bench/event_readers.ts`,
            String(system.api.port),
            String(share),
          ],
        ], { name: "event_readers" })
      ),
    );
    try {
      await clients.#lines(/^\{"connected":/);
    } catch (error) {
      await clients[Symbol.asyncDispose]();
      throw error;
    }
    return clients;
  }

  /** Publishes at a fixed rate, and waits until every client has got everything. */
  async measure(name: string, load: EventLoad): Promise<EventPhase> {
    const { api, nats } = this.#system;
    const cost = () => ({
      api: processCost(api.process.pid),
      nats: processCost(nats.pid),
      clients: this.#processes.map(({ pid }) => processCost(pid).cpuMs).reduce((a, b) => a + b),
    });
    const before = cost();
    const begin = performance.now();
    const published = await this.#publish(name, load);
    const lines = await this.#lines(new RegExp(`^\\{"phase":"${name}"`));
    const wallMs = performance.now() - begin;
    const after = cost();
    const reports = lines.map((line) => JSON.parse(line) as PhaseReport);
    const latencies = new Latencies();
    for (const report of reports) latencies.merge(report.latencies);
    return {
      ...{ rate: load.rate, wallMs, published, latencies },
      received: sum(reports.map(({ received }) => received)),
      outOfOrder: sum(reports.map(({ outOfOrder }) => outOfOrder)),
      apiCpuMs: after.api.cpuMs - before.api.cpuMs,
      natsCpuMs: after.nats.cpuMs - before.nats.cpuMs,
      clientCpuMs: after.clients - before.clients,
      residentBytes: after.api.residentBytes,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process[Symbol.asyncDispose]()));
  }

  /** Each event carries the time at which it was due: a late publisher hides no delay. */
  async #publish(phase: string, { rate, seconds, bytes }: EventLoad): Promise<number> {
    const { nats } = this.#system.connection;
    const subject = eventsSubject("bench");
    const text = "x".repeat(bytes);
    const event = (type: string, at: number) =>
      JSON.stringify({ id: "bench", type, payload: { phase, at, text } });
    const count = Math.max(Math.round(rate * seconds), 1);
    const begin = now() + 100;
    for (let number = 0; number < count; number++) {
      const due = begin + number * 1_000 / rate;
      for (let left = due - now(); left > 0; left = due - now()) {
        await new Promise((resolve) => setTimeout(resolve, left));
      }
      nats.publish(subject, event(number === count - 1 ? PHASE_END : BENCH_EVENT, due));
    }
    await nats.flush();
    return count;
  }

  async #lines(pattern: RegExp): Promise<string[]> {
    return await Promise.all(
      this.#processes.map((process) => process.waitForLine(pattern, { timeoutMs: TIMEOUT_MS })),
    );
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
