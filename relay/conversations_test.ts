import assert from "node:assert/strict";
import { startNats, until } from "../tests/support/mod.ts";
import type { FakeAgent, GivenWork } from "./testing/fake_agent.ts";
import { TestRelay } from "./testing/test_relay.ts";

/** Publishes work of a conversation. */
function send(test: TestRelay, id: string, conversation?: unknown): void {
  test.publish(JSON.stringify({ id, type: "work", payload: {}, conversation }));
}

/** Ids of the work that agents have been sent, in order. */
function ids(agent: FakeAgent): string[] {
  return agent.works.map(({ id }) => id);
}

Deno.test("work of a conversation goes one at a time, and other work goes on next to it", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, concurrency: 4 });
  for (const id of ["a1", "a2", "a3"]) send(test, id, "a");
  send(test, "b1", "b");
  test.work("1");
  await agent.hasWork(3);
  assert.deepEqual(ids(agent).sort(), ["1", "a1", "b1"]);
  for (const [count, next] of [[4, "a2"], [5, "a3"]] as const) {
    const last = agent.works.findLast(({ id }) => id.startsWith("a"));
    assert.ok(last);
    agent.say("result", last);
    assert.equal((await agent.hasWork(count)).id, next);
  }
  const waited = await test.hasRecorded("work.waiting", 2);
  assert.deepEqual(waited.map(({ id, conversation, waits_for }) => [id, conversation, waits_for]), [
    ["a2", "a", 1],
    ["a3", "a", 2],
  ]);
});

Deno.test("what is cancelled, dead, or given up by its agent makes room for the next", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 1 } });
  const agent = test.agent({ v1: true, concurrency: 2 });
  for (const id of ["1", "2", "3", "4"]) send(test, id, "a");
  const first = await agent.hasWork();
  // The second is gone before its turn, the third dies.
  await until(() => test.relay.health().in_hand === 4, { message: "all of it is here" });
  await test.remove(2);
  agent.say("error", first, { message: "no" });
  const third = await agent.hasWork(2);
  assert.equal(third.id, "3");
  agent.say("retry", third);
  assert.equal((await agent.hasWork(3)).id, "4");
});

Deno.test("what is given back comes again before what was sent later", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, concurrency: 2 });
  for (const id of ["1", "2"]) send(test, id, "a");
  agent.say("retry", await agent.hasWork(), { delay_ms: 200 });
  const again = await agent.hasWork(2);
  assert.deepEqual([again.id, again.attempt], ["1", 2]);
  agent.say("result", again);
  assert.equal((await agent.hasWork(3)).id, "2");
});

Deno.test("a conversation is begun by work that names none", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, concurrency: 4 });
  test.work("first");
  const first = await agent.hasWork();
  for (const id of ["second", "third"]) send(test, id, "work-1");
  // Of these none begins with work of this role that names no conversation.
  send(test, "other", "work-9007199254740993");
  send(test, "later", "work-99");
  await agent.hasWork(3);
  assert.deepEqual(ids(agent).sort(), ["first", "later", "other"]);
  agent.say("result", first);
  assert.equal((await agent.hasWork(4)).id, "second");
});

Deno.test("what is no conversation is dead-lettered, and names of objects are names", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, concurrency: 4 });
  for (const wrong of ["", "a b", "a.b", ">", "x".repeat(65), null, 7, {}]) send(test, "1", wrong);
  const results = await test.hasResults(8);
  for (const { payload } of results) {
    const { code, message } = payload as Record<string, string>;
    assert.equal(code, "invalid_message");
    assert.match(message ?? "", /^conversation (is|must) /);
  }
  for (const name of ["__proto__", "constructor", "__proto__"]) send(test, name, name);
  await agent.hasWork(2);
  assert.deepEqual(ids(agent), ["__proto__", "constructor"]);
});

Deno.test("a relay without an agent for it gives waiting work back", async () => {
  const nats = await startNats();
  try {
    await using first = await TestRelay.start({ nats });
    await using second = await TestRelay.start({ nats });
    const gone = first.agent({ v1: true, concurrency: 3 });
    for (const id of ["1", "2", "3"]) send(first, id, "a");
    await gone.hasWork();
    await until(() => first.relay.health().in_hand === 3, { message: "the others wait" });
    const agent = second.agent({ v1: true });
    gone.leave();
    for (const id of ["1", "2", "3"]) {
      const work = await until(() => agent.works.findLast((given) => given.id === id));
      agent.say("result", work);
    }
    assert.deepEqual(ids(agent), ["1", "2", "3"]);
  } finally {
    await nats[Symbol.asyncDispose]();
  }
});

Deno.test("work of conversations at several relays goes in order, whatever becomes of agents", async () => {
  const nats = await startNats();
  try {
    await using first = await TestRelay.start({ nats });
    await using second = await TestRelay.start({ nats });
    const relays = [first, second];
    const random = randomNumbers(7);
    const running = new Map<string, string>();
    const begun = new Map<string, number[]>();
    let agents: FakeAgent[] = [];
    const seen = new WeakMap<FakeAgent, number>();
    const join = () => {
      const relay = relays[random(2)] ?? first;
      agents.push(relay.agent({ v1: random(4) > 0, concurrency: 1 + random(3) }));
    };
    const conversations = ["a", "b", "c", "d", "e"];
    for (let sent = 0; sent < 100; sent++) {
      const conversation = conversations[random(6)];
      send(first, `${conversation ?? "none"}-${sent}`, conversation);
    }
    await first.hasWaiting(100);
    for (let count = 0; count < 3; count++) join();
    let open: { readonly agent: FakeAgent; readonly work: GivenWork }[] = [];
    await until(async () => {
      for (const agent of agents) {
        const works = agent.works;
        for (const work of works.slice(seen.get(agent) ?? 0)) {
          const [name = "", number] = work.id.split("-");
          if (name !== "none") {
            assert.equal(running.get(name), undefined, `${work.id} and ${running.get(name)} run`);
            running.set(name, work.id);
            begun.set(name, [...begun.get(name) ?? [], Number(number)]);
          }
          open.push({ agent, work });
        }
        seen.set(agent, works.length);
      }
      const dice = random(20);
      const [ended] = open.length === 0 ? [] : open.splice(random(open.length), 1);
      if (ended !== undefined) {
        const { agent, work } = ended;
        running.delete(work.id.split("-")[0] ?? "");
        if (dice === 0 && !agent.connection.v1) agent.say("retry", work);
        else if (dice === 1 && agents.length > 1) {
          // All that it has is given to others.
          agents = agents.filter((other) => other !== agent);
          for (const lost of open.filter((one) => one.agent === agent)) {
            running.delete(lost.work.id.split("-")[0] ?? "");
          }
          open = open.filter((one) => one.agent !== agent);
          agent.leave(1000);
          join();
        } else agent.say(dice === 2 ? "retry" : "result", work);
      }
      return (await first.waiting()) === 0;
    }, { timeoutMs: 120_000, message: "all of it is done" });
    for (const [name, numbers] of begun) {
      const sorted = [...numbers].sort((one, other) => one - other);
      assert.deepEqual(numbers, sorted, `conversation ${name} goes in order`);
    }
    assert.equal((await first.results()).length, 100);
  } finally {
    await nats[Symbol.asyncDispose]();
  }
});

Deno.test("a role without conversations costs no look into the stream", async () => {
  await using test = await TestRelay.start();
  const asked: string[] = [];
  test.client.subscribe(
    "$JS.API.STREAM.MSG.GET.OUROCODUS_WORK",
    (_, msg) => void asked.push(msg.subject),
  );
  test.client.subscribe(
    "$JS.API.DIRECT.GET.OUROCODUS_WORK",
    (_, msg) => void asked.push(msg.subject),
  );
  await test.client.nats.flush();
  const agent = test.agent({ v1: true, concurrency: 2 });
  test.work("1", "2");
  await agent.hasWork(2);
  for (const work of agent.works) agent.say("result", work);
  await test.hasResults(2);
  assert.deepEqual(asked, []);
});

/** The same numbers each time: below a limit. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * limit);
  };
}
