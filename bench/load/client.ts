/**
 * A load process: the client that publishes work and receives results.
 *
 * Latency at a fixed rate counts from when a trip should have begun, not from when it did: a system
 * that stalls is charged with all trips that the stall delayed (no "coordinated omission").
 *
 * @module
 */
import { connect, type Connection, ensureStreams } from "@ourocodus/bus";
import { ALL_RESULTS, workSubject } from "@ourocodus/protocol";
import { now } from "../clock.ts";
import { type Latency, latency } from "../percentiles.ts";
import type { PacedRun } from "./paced_sender.ts";
import { commands, readPlan, tell } from "./parent.ts";
import { type Load, roleOf, sessionOf, tripOf, WorkText } from "./plan.ts";

/** What the process is told. */
export interface ClientCommand {
  /** `run`: make round trips. `store`: send work that nobody answers yet. `drain`: until it is answered. */
  readonly kind: "run" | "store" | "drain";
  readonly trips: number;
  /** Gives up after so long. */
  readonly limitMs: number;
}

/** What it answers. */
export interface ClientReport {
  readonly done: number;
  readonly lost: number;
  /** Results that came a second time. */
  readonly twice: number;
  readonly seconds: number;
  readonly latency: Latency;
}

/** Work that is sent ahead is confirmed so much at once. */
const STORED_TOGETHER = 500;
const STORE_TIMEOUT_MS = 30_000;

/** Trips, and their results. */
class Client {
  readonly #connection: Connection;
  readonly #load: Load;
  readonly #text: WorkText;
  readonly #subjects: readonly string[];
  /** Number of the present run's first trip. */
  #first = 0;
  #startedAt = 0;
  #sentAt = new Float64Array(0);
  /** 0: not back yet. */
  #tookMs = new Float64Array(0);
  #sent = 0;
  #done = 0;
  #twice = 0;
  #finish: () => void = () => {};

  constructor(connection: Connection, load: Load) {
    this.#connection = connection;
    this.#load = load;
    this.#text = new WorkText(load);
    this.#subjects = Array.from(
      { length: load.agents },
      (_, agent) => workSubject(sessionOf(load, agent), roleOf(agent)),
    );
  }

  /** Subscribes to all results. */
  async listen(): Promise<void> {
    const { nats } = this.#connection;
    nats.subscribe(ALL_RESULTS, { callback: (_error, msg) => this.#received(msg.data) });
    await nats.flush();
  }

  /** Makes round trips. */
  async run({ trips, limitMs }: ClientCommand): Promise<ClientReport> {
    this.#begin(trips);
    if (this.#load.rate > 0) await this.#paced(trips);
    else this.#send();
    await this.#finished(limitMs);
    return this.#report();
  }

  /** Sends work, each item confirmed to be stored. */
  async store({ trips }: ClientCommand): Promise<ClientReport> {
    const { nats } = this.#connection;
    // Nobody else has made them, where there is no relay.
    await ensureStreams(this.#connection);
    this.#begin(trips);
    for (let end = 0; end < trips;) {
      end = Math.min(end + STORED_TOGETHER, trips);
      while (this.#sent < end - 1) this.#publish();
      const last = this.#first + this.#sent++;
      const subject = this.#subjects[last % this.#subjects.length] ?? "";
      const stored = await nats.request(subject, this.#text.of(last), {
        timeout: STORE_TIMEOUT_MS,
      });
      const { error } = stored.json<{ error?: { description: string } }>();
      if (error !== undefined) throw new Error(`Cannot store work: ${error.description}`);
    }
    return this.#report();
  }

  /** Waits for the results of what was stored. */
  async drain({ limitMs }: ClientCommand): Promise<ClientReport> {
    this.#startedAt = now();
    await this.#finished(limitMs);
    return this.#report();
  }

  #begin(trips: number): void {
    this.#first += this.#sent;
    this.#sentAt = new Float64Array(trips);
    this.#tookMs = new Float64Array(trips);
    this.#sent = 0;
    this.#done = 0;
    this.#twice = 0;
    this.#startedAt = now();
  }

  async #finished(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    this.#finish = resolve;
    if (this.#done === this.#tookMs.length) resolve();
    await promise;
    clearTimeout(timer);
  }

  /** Sends while the window has room. */
  #send(): void {
    while (this.#sent < this.#tookMs.length && this.#sent - this.#done < this.#load.window) {
      this.#sentAt[this.#sent] = now();
      this.#publish();
    }
  }

  #publish(): void {
    const trip = this.#first + this.#sent++;
    const subject = this.#subjects[trip % this.#subjects.length] ?? "";
    this.#connection.nats.publish(subject, this.#text.of(trip));
  }

  async #paced(trips: number): Promise<void> {
    const url = new URL("paced_sender.ts", import.meta.url);
    const thread = new Worker(url, { type: "module" });
    await new Promise((resolve) => thread.onmessage = resolve);
    // Time for it to connect.
    this.#startedAt = now() + 200;
    for (let trip = 0; trip < trips; trip++) {
      this.#sentAt[trip] = this.#startedAt + trip * 1_000 / this.#load.rate;
    }
    this.#sent = trips;
    thread.postMessage(
      { plan, first: this.#first, trips, startAt: this.#startedAt } satisfies PacedRun,
    );
  }

  #received(result: Uint8Array): void {
    const index = tripOf(result) - this.#first;
    const took = this.#tookMs[index];
    // Of an earlier run.
    if (took === undefined) return;
    if (took !== 0) return void this.#twice++;
    this.#tookMs[index] = now() - (this.#sentAt[index] ?? 0);
    this.#done++;
    if (this.#done === this.#tookMs.length) this.#finish();
    else if (this.#load.rate === 0) this.#send();
  }

  #report(): ClientReport {
    return {
      done: this.#done,
      lost: this.#tookMs.length - this.#done,
      twice: this.#twice,
      seconds: (now() - this.#startedAt) / 1_000,
      latency: latency(this.#tookMs.filter((took) => took > 0)),
    };
  }
}

const plan = readPlan();
const client = new Client(await connect({ url: plan.natsUrl }), plan.load);
await client.listen();
tell({ ready: true });
for await (const command of commands<ClientCommand>()) tell(await client[command.kind](command));
Deno.exit(0);
