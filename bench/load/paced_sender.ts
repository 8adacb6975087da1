/**
 * A thread that begins trips at a fixed rate, however many are under way. It waits by blocking, to
 * a fraction of a millisecond; timers are late by up to a whole one.
 *
 * @module
 */
import { connect } from "@ourocodus/bus";
import { workSubject } from "@ourocodus/protocol";
import { now } from "../clock.ts";
import { type Plan, roleOf, sessionOf, WorkText } from "./plan.ts";

/** What the thread is told, once it has said that it is ready. */
export interface PacedRun {
  readonly plan: Plan;
  readonly first: number;
  readonly trips: number;
  /** When the first trip begins, see {@linkcode now}. */
  readonly startAt: number;
}

declare const self: DedicatedWorkerGlobalScope;
interface DedicatedWorkerGlobalScope {
  onmessage: (event: MessageEvent<PacedRun>) => void;
  postMessage(message: string): void;
  close(): void;
}

const asleep = new Int32Array(new SharedArrayBuffer(4));
/** The longest nap: NATS' pings are answered in between. */
const MAX_NAP_MS = 100;

async function run({ plan, first, trips, startAt }: PacedRun): Promise<void> {
  const { load } = plan;
  const { nats } = await connect({ url: plan.natsUrl });
  const text = new WorkText(load);
  const subjects = Array.from(
    { length: load.agents },
    (_, agent) => workSubject(sessionOf(load, agent), roleOf(agent)),
  );
  let sent = 0;
  while (sent < trips) {
    const due = Math.floor((now() - startAt) * load.rate / 1_000) + 1;
    for (; sent < Math.min(due, trips); sent++) {
      const trip = first + sent;
      nats.publish(subjects[trip % load.agents] ?? "", text.of(trip));
    }
    // The turn in which they are written.
    await new Promise((resolve) => setImmediate(resolve));
    const napMs = startAt + sent * 1_000 / load.rate - now();
    if (napMs > 0) Atomics.wait(asleep, 0, 0, Math.min(napMs, MAX_NAP_MS));
  }
  await nats.flush();
  await nats.close();
}

self.onmessage = ({ data }) => void run(data).then(() => self.close());
self.postMessage("ready");
