import assert from "node:assert/strict";
import { connect, type Connection, readLog } from "@ourocodus/bus";
import { sendWork } from "@ourocodus/ops";
import { outcomeSubjects } from "@ourocodus/protocol";
import { startNats, startRelay, type TestNats, until } from "../tests/support/mod.ts";
import { RetryableError } from "./errors.ts";
import { CuttableWay } from "./testing/cuttable_way.ts";
import { ManualHandler } from "./testing/manual_handler.ts";
import { TestAgent } from "./testing/test_agent.ts";

interface Result {
  readonly id: string;
  readonly type: string;
  readonly payload: Record<string, unknown>;
}

/** One session on a real nats-server. */
class Session implements AsyncDisposable {
  readonly name: string;
  readonly #connection: Connection;

  private constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.name = name;
  }

  static async open(nats: TestNats, name = "test"): Promise<Session> {
    return new Session(await connect({ url: nats.url }), name);
  }

  async send(...ids: string[]): Promise<void> {
    for (const id of ids) {
      await sendWork(this.#connection, { session: this.name, role: "r", id, payload: { id } });
    }
  }

  /** All stored results. */
  async results(): Promise<Result[]> {
    const results: Result[] = [];
    const subject = outcomeSubjects(this.name, "r");
    for await (const { text } of readLog(this.#connection, subject, { last: 10_000 })) {
      results.push(JSON.parse(text));
    }
    return results;
  }

  /** Waits until so many results are stored. */
  async untilResults(count: number): Promise<Result[]> {
    return await until(async () => {
      const results = await this.results();
      return results.length >= count ? results : undefined;
    }, { timeoutMs: 30_000, message: `${count} results` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

Deno.test("work, results, errors and retries go through a real relay", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using session = await Session.open(nats);
  const attempts: string[] = [];
  await using agent = new TestAgent(relay.url, (work, context) => {
    attempts.push(`${work.id} ${context.attempt}`);
    context.progress("begun");
    if (work.id === "fails") throw new TypeError("broken");
    if (work.id === "again" && work.attempt === 1) throw new RetryableError("x", { delayMs: 10 });
    if (work.id === "huge") return { text: "é".repeat(1024 * 1024) };
    return { got: work.payload };
  }, { concurrency: 4 });
  await session.send("plain", "fails", "again", "huge");
  const results = new Map((await session.untilResults(4)).map((result) => [result.id, result]));
  assert.deepEqual(results.get("plain")?.payload, { got: { id: "plain" } });
  assert.deepEqual(results.get("again")?.payload, { got: { id: "again" } });
  assert.deepEqual(results.get("fails")?.payload, { message: "broken", name: "TypeError" });
  assert.match(
    String(results.get("huge")?.payload.message),
    /^Cannot send the result: it is \d+ bytes, limit is \d+$/,
  );
  assert.deepEqual([...results.values()].map(({ type }) => type).toSorted(), [
    "error",
    "error",
    "result",
    "result",
  ]);
  assert.deepEqual(attempts.toSorted(), ["again 1", "again 2", "fails 1", "huge 1", "plain 1"]);
  assert.equal(await agent.stop(), undefined);
});

Deno.test("every work item is answered once, and never do more than concurrency run", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using session = await Session.open(nats);
  const ids = Array.from({ length: 200 }, (_, index) => `w${index}`);
  let running = 0;
  let most = 0;
  await using agent = new TestAgent(relay.url, async (work) => {
    most = Math.max(most, ++running);
    await until(() => most >= 7, { message: "seven at once" });
    running--;
    return { id: work.id };
  }, { concurrency: 7 });
  await session.send(...ids);
  const results = await session.untilResults(ids.length);
  assert.deepEqual(results.map(({ id }) => id).toSorted(), ids.toSorted());
  assert.equal(most, 7);
  assert.equal(await agent.stop(), undefined);
});

Deno.test("a result outlives the relay that was killed while its work ran", async () => {
  await using nats = await startNats();
  await using session = await Session.open(nats);
  const handler = new ManualHandler();
  const first = await startRelay({ natsUrl: nats.url });
  await using agent = new TestAgent(first.url, handler.handle);
  await session.send("w");
  await until(() => handler.running.has("w"));
  await first.kill();
  await agent.told("disconnected");
  await handler.finish("w");
  await using _second = await startRelay({ natsUrl: nats.url, port: first.port });
  const results = await session.untilResults(1);
  assert.deepEqual(results.map(({ id, payload }) => [id, payload]), [["w", { done: "w" }]]);
  assert.equal(await agent.stop(), undefined, "the result is confirmed");
  assert.deepEqual(handler.begun, ["w"], "one attempt");
  assert.equal((await session.results()).length, 1);
});

Deno.test("a relay that is stopped lets running work finish; the agent goes to the next", async () => {
  await using nats = await startNats();
  await using session = await Session.open(nats);
  const handler = new ManualHandler();
  const first = await startRelay({ natsUrl: nats.url });
  await using agent = new TestAgent(first.url, handler.handle);
  await session.send("1");
  await until(() => handler.running.has("1"));
  const stopped = first.stop();
  await agent.told("relay.draining");
  await handler.finish("1");
  assert.equal((await stopped).code, 0);
  await using _second = await startRelay({ natsUrl: nats.url, port: first.port });
  await session.send("2");
  await until(() => handler.running.has("2"), { timeoutMs: 30_000 });
  await handler.finish("2");
  const results = await session.untilResults(2);
  assert.deepEqual(results.map(({ id }) => id), ["1", "2"]);
  assert.equal(await agent.stop(), undefined);
  assert.deepEqual(handler.begun, ["1", "2"]);
});

Deno.test("an agent that is stopped finishes what it has and leaves the rest to others", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using session = await Session.open(nats);
  const handler = new ManualHandler();
  const agent = new TestAgent(relay.url, handler.handle);
  await session.send("1", "2");
  await until(() => handler.running.has("1"));
  const stopped = agent.stop();
  await handler.finish("1");
  assert.equal(await stopped, undefined);
  assert.deepEqual(handler.begun, ["1"]);
  await using other = new TestAgent(relay.url, () => ({ by: "other" }));
  const results = await session.untilResults(2);
  assert.deepEqual(results.map(({ id, payload }) => [id, payload]), [
    ["1", { done: "1" }],
    ["2", { by: "other" }],
  ]);
  assert.equal(await other.stop(), undefined);
});

Deno.test("an agent that stops gets no further work, which so loses no attempt", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using session = await Session.open(nats);
  const handler = new ManualHandler();
  const agent = new TestAgent(relay.url, handler.handle, { concurrency: 2 });
  await session.send("1", "2");
  await until(() => handler.running.size === 2);
  const stopped = agent.stop();
  // Its free slot would be filled by the third, if the relay did not know that it stops.
  await handler.finish("1");
  await session.untilResults(1);
  await session.send("3");
  await handler.finish("2");
  assert.equal(await stopped, undefined);
  await using _other = new TestAgent(relay.url, (work) => ({ attempt: work.attempt }));
  const results = await session.untilResults(3);
  assert.deepEqual(results.map(({ id, payload }) => [id, payload]), [
    ["1", { done: "1" }],
    ["2", { done: "2" }],
    ["3", { attempt: 1 }],
  ]);
});

Deno.test("an agent that comes back when another has its work is told to stop", async () => {
  await using nats = await startNats();
  const env = { LEASE_GRACE_SECONDS: "0" };
  await using relay = await startRelay({ natsUrl: nats.url, env });
  await using session = await Session.open(nats);
  const handler = new ManualHandler();
  await using way = new CuttableWay(relay.port);
  await using slow = new TestAgent(way.url, handler.handle);
  await session.send("w");
  await until(() => handler.running.has("w"));
  const second = new ManualHandler();
  await using other = new TestAgent(relay.url, second.handle);
  await other.told("connected");
  // If it were back before its relay has noticed that it was gone, it would go on.
  way.isShut = true;
  way.cut();
  await until(() => second.running.has("w"));
  way.isShut = false;
  assert.equal(second.running.get("w")?.work.attempt, 2);
  await slow.told("work.cancelled");
  assert.equal(handler.signal("w")?.aborted, true);
  await handler.finish("w", { by: "slow" });
  await second.finish("w", { by: "other" });
  const results = await session.untilResults(1);
  assert.deepEqual(results.map(({ payload }) => payload), [{ by: "other" }]);
  assert.equal(await slow.stop(), undefined);
  assert.equal(await other.stop(), undefined);
});

Deno.test("an agent whose connection breaks goes on with its work as the same attempt", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using session = await Session.open(nats);
  const handler = new ManualHandler();
  await using way = new CuttableWay(relay.port);
  await using agent = new TestAgent(way.url, handler.handle);
  await using other = new TestAgent(relay.url, () => ({ by: "other" }));
  await other.told("connected");
  await session.send("1", "2");
  await until(() => handler.running.size === 1);
  const [id = ""] = handler.running.keys();
  const connected = agent.events.filter(({ type }) => type === "connected").length;
  way.cut();
  await until(() => agent.events.filter(({ type }) => type === "connected").length > connected);
  await handler.finish(id);
  const results = await session.untilResults(2);
  assert.deepEqual(results.find((result) => result.id === id)?.payload, { done: id });
  assert.equal(handler.begun.length, 1);
  assert.equal(await agent.stop(), undefined);
  assert.equal(await other.stop(), undefined);
});
