import assert from "node:assert/strict";
import { type Pause, serveWhileAble } from "./serve_while_able.ts";
import { Suspension } from "./suspension.ts";
import { FakeClock, turns } from "./testing/fake_clock.ts";

/** An agent that serves until it is stopped; the test says what its checks find. */
class Served {
  readonly suspension = new Suspension();
  readonly clock = new FakeClock();
  readonly stop = new AbortController();
  readonly pauses: Pause[] = [];
  /** How often it began to serve, and whether it serves now. */
  begun = 0;
  serves = false;
  wrong: string | undefined;
  checks = 0;
  readonly ended: Promise<void>;

  constructor() {
    const check = () => {
      this.checks++;
      return Promise.resolve(this.wrong);
    };
    const { clock, stop: { signal }, suspension } = this;
    const onPause = (pause: Pause) => void this.pauses.push(pause);
    const serve = (signal: AbortSignal) => this.#serve(signal);
    this.ended = serveWhileAble(serve, { suspension, check }, { signal, clock, onPause });
  }

  async #serve(signal: AbortSignal): Promise<void> {
    this.begun++;
    this.serves = true;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    this.serves = false;
  }
}

Deno.test("a suspended agent stops serving, and serves again when the check passes", async () => {
  const agent = new Served();
  agent.suspension.suspend("401 invalid key");
  await turns();
  assert.equal(agent.serves, false);
  await agent.clock.advance(29_999);
  assert.deepEqual([agent.checks, agent.begun], [0, 1]);
  await agent.clock.advance(1);
  assert.deepEqual([agent.checks, agent.begun, agent.serves], [1, 2, true]);
  assert.deepEqual(agent.pauses, [
    { kind: "suspended", reason: "401 invalid key", delayMs: 30_000 },
    { kind: "resumed" },
  ]);
  assert.equal(agent.suspension.reason, undefined);
  agent.stop.abort();
  await agent.ended;
});

Deno.test("pauses grow to five minutes while checks fail", async () => {
  const agent = new Served();
  agent.wrong = "not logged in";
  agent.suspension.suspend("401");
  await turns();
  for (const delayMs of [30_000, 60_000, 120_000, 240_000, 300_000, 300_000]) {
    assert.deepEqual(agent.pauses.at(-1), {
      kind: "suspended",
      reason: agent.pauses.length === 1 ? "401" : "not logged in",
      delayMs,
    });
    await agent.clock.advance(delayMs);
  }
  agent.stop.abort();
  await agent.ended;
});

Deno.test("pauses go on growing where the check passes and work fails, until work succeeds", async () => {
  const agent = new Served();
  const delays = async (): Promise<number> => {
    agent.suspension.suspend("401");
    await turns();
    const pause = agent.pauses.at(-1);
    const delayMs = pause?.kind === "suspended" ? pause.delayMs : NaN;
    await agent.clock.advance(delayMs);
    assert.equal(agent.serves, true);
    return delayMs;
  };
  assert.deepEqual([await delays(), await delays(), await delays()], [30_000, 60_000, 120_000]);
  agent.suspension.succeeded();
  assert.equal(await delays(), 30_000);
  agent.stop.abort();
  await agent.ended;
});

Deno.test("stopping ends a pause at once, and leaves no timer", async () => {
  const agent = new Served();
  agent.suspension.suspend("401");
  await turns();
  agent.stop.abort();
  await agent.ended;
  assert.deepEqual([agent.clock.pending, agent.begun], [0, 1]);
});

Deno.test("only the first reason of a suspension is told", async () => {
  const agent = new Served();
  agent.suspension.suspend("first");
  agent.suspension.suspend("second");
  await turns();
  assert.deepEqual(agent.pauses.map((pause) => pause.kind === "suspended" && pause.reason), [
    "first",
  ]);
  assert.equal(agent.suspension.inARow, 1);
  agent.stop.abort();
  await agent.ended;
});
