import assert from "node:assert/strict";
import { readStored } from "@ourocodus/bus";
import { WORK_STREAM } from "@ourocodus/protocol";
import { startNats, startProxy, until } from "../tests/support/mod.ts";
import type { FakeAgent } from "./testing/fake_agent.ts";
import { TestRelay } from "./testing/test_relay.ts";

const SECRET = '{"id":"1","type":"work","payload":{"secret":true}}';

/** An agent's lease as that of the role `r` of session `s`. */
function forged(lease: string | undefined): string {
  return (lease ?? "").replace(".t=secret.", ".s=r.");
}

function resume(agent: FakeAgent, ...leases: (string | undefined)[]): void {
  agent.say("resume", { id: "resume" }, { leases });
}

Deno.test("a lease that is not of the agent's session and role is refused, and touches nobody's work", async () => {
  await using test = await TestRelay.start();
  const other = test.agent({ v1: true, role: "other" });
  test.publish('{"id":"1","type":"work","payload":{}}', "s", "other");
  const { lease = "" } = await other.hasWork();
  const agent = test.agent({ v1: true });
  const foreign = [
    lease,
    lease.replace("OUROCODUS_WORK", "OUROCODUS_LOG"),
    lease.replace("OUROCODUS_WORK.s=other", "OUROCODUS_LOG.s=r"),
    "$JS.ACK.OUROCODUS_WORK.*.1.1.1.1.0",
    "garbage",
    "",
    "x".repeat(100_000),
    7,
    { a: 1 },
    [lease],
    false,
  ];
  for (const one of foreign) {
    for (const type of ["result", "error", "retry", "progress", "answer"]) {
      agent.frame(JSON.stringify({ id: "1", type, payload: {}, lease: one }));
    }
  }
  await agent.isTold("relay.error", foreign.length * 5);
  assert.deepEqual(new Set(agent.errors), new Set(["foreign_lease"]));
  assert.equal(agent.closed, undefined);
  assert.equal(await test.waiting(), 1);
  other.say("result", { id: "1", lease });
  assert.deepEqual((await test.hasResults(1)).length, 1);
});

Deno.test("a lease made up for work of another role is no claim to it", async () => {
  await using test = await TestRelay.start();
  const other = test.agent({ v1: true, role: "other" });
  test.publish('{"id":"1","type":"work","payload":{}}', "s", "other");
  const { lease = "" } = await other.hasWork();
  const agent = test.agent({ v1: true });
  agent.say("result", { id: "1", lease: lease.replace("s=other", "s=r") }, { forged: true });
  await agent.isTold("relay.error");
  assert.deepEqual(agent.errors, ["duplicate"]);
  assert.deepEqual(await test.results(), []);
  other.say("result", { id: "1", lease }, { mine: true });
  assert.deepEqual((await test.hasResults(1)).map(({ payload }) => payload), [{ mine: true }]);
  await test.hasWaiting(0);
});

Deno.test("a lease in which no subject can be published to stops nothing", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1");
  const { lease = "" } = await agent.hasWork();
  agent.say("retry", { id: "1", lease });
  const again = await agent.hasWork(2);
  for (const domain of ["a b", "a\r\nPUB x 0\r\n\r\n", "*"]) {
    agent.say("result", { id: "1", lease: lease.replace("$JS.ACK.", `$JS.ACK.${domain}.acc.`) });
  }
  await agent.isTold("relay.error", 3);
  assert.deepEqual(agent.errors, ["foreign_lease", "foreign_lease", "foreign_lease"]);
  agent.say("result", again);
  await test.hasResults(1);
  await test.hasWaiting(0);
});

Deno.test("an agent cannot resume work of another session that is in an agent's hands, by any name", async () => {
  await using test = await TestRelay.start();
  const rightful = test.agent({ v1: true, session: "t", role: "secret", agentId: "a" });
  test.publish(SECRET, "t", "secret");
  const { lease } = await rightful.hasWork();
  const thief = test.agent({ v1: true, agentId: "a" });
  resume(thief, forged(lease));
  assert.equal((await thief.isTold("relay.cancel")).reason, "answered");
  assert.deepEqual(thief.told("relay.resumed"), []);
  rightful.say("result", { id: "1", lease }, { mine: true });
  assert.deepEqual((await test.hasResults(1)).map(({ payload }) => payload), [{ mine: true }]);
});

Deno.test("an agent cannot resume work of another session that waits for an agent", async () => {
  await using test = await TestRelay.start();
  const rightful = test.agent({ session: "t", role: "secret", concurrency: 2 });
  // A plain agent cannot have two of one id, so the second waits.
  test.publish(SECRET, "t", "secret");
  test.publish(SECRET, "t", "secret");
  await rightful.hasWork();
  await test.hasInHand(2);
  const stored = await readStored(test.client, WORK_STREAM, 2);
  const thief = test.agent({ v1: true });
  const lease = `$JS.ACK.OUROCODUS_WORK.s=r.1.2.1.${stored?.timeNs}.0`;
  resume(thief, lease);
  thief.say("result", { id: "1", lease }, { stolen: true });
  await thief.isTold("relay.cancel");
  rightful.say("result", { id: "1" }, { mine: 1 });
  await rightful.hasWork(2);
  rightful.say("result", { id: "1" }, { mine: 2 });
  const results = await test.hasResults(2);
  assert.deepEqual(results.map(({ payload }) => payload), [{ mine: 1 }, { mine: 2 }]);
  assert.deepEqual(thief.told("relay.resumed"), []);
});

Deno.test("who claims another session's work neither keeps its agent from resuming it nor has it closed", async () => {
  await using nats = await startNats();
  const first = await TestRelay.start({ nats });
  const agent = first.agent({ v1: true, session: "t", role: "secret", agentId: "a" });
  first.publish(SECRET, "t", "secret");
  const { lease } = await agent.hasWork();
  await using second = await TestRelay.start({ nats });
  const thief = second.agent({ v1: true, agentId: "a" });
  resume(thief, forged(lease));
  await thief.isTold("relay.cancel");
  assert.equal(agent.closed, undefined, "the first relay's agent keeps its connection");
  await first[Symbol.asyncDispose]();
  // At the same time, on the same relay, the thief first.
  const back = second.agent({ v1: true, session: "t", role: "secret", agentId: "a" });
  const again = second.agent({ v1: true, agentId: "a" });
  resume(again, forged(lease));
  resume(back, lease);
  assert.deepEqual(await back.isTold("relay.resumed"), { leases: [lease] });
  assert.equal((await again.isTold("relay.cancel")).reason, "answered");
  back.say("result", { id: "1", lease }, { mine: true });
  assert.deepEqual((await second.hasResults(1)).map(({ payload }) => payload), [{ mine: true }]);
});

Deno.test("no more leases of an agent are looked up at once than it may resume", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  for (let frame = 0; frame < 10; frame++) {
    const leases = Array.from({ length: 4_000 }, (_, index) => {
      return `$JS.ACK.OUROCODUS_WORK.s=r.1.${frame * 4_000 + index + 1}.1.1763999999999999999.0`;
    });
    resume(agent, ...leases);
  }
  await agent.isTold("relay.error", 9);
  assert.deepEqual(new Set(agent.errors), new Set(["invalid_resume"]));
  assert.match(
    String(agent.told("relay.error")[0]?.message),
    /^leases are 4000 and 4000 are being looked up, limit is 4096$/,
  );
  await agent.isTold("relay.cancel", 4_000);
  assert.equal(test.relay.health().in_hand, 0);
});

for (const about of ["late", "resumed"] as const) {
  Deno.test(`what is said about ${about} leases while NATS is away is held up to a limit, and counted`, async () => {
    await using nats = await startNats();
    await using proxy = startProxy(nats.port);
    await using test = await TestRelay.start({
      nats,
      natsUrl: `127.0.0.1:${proxy.port}`,
      limits: { maxHeldBytes: 20_000 },
    });
    const agent = test.agent({ v1: true });
    proxy.cut();
    await until(() => !test.connection.connected);
    const lease = "$JS.ACK.OUROCODUS_WORK.s=r.1.1.1.1763999999999999999.0";
    if (about === "resumed") resume(agent, lease);
    for (let count = 0; count < 3; count++) {
      agent.say("result", { id: "1", lease }, { text: "x".repeat(5_000) });
    }
    const held = test.relay.health().held_bytes;
    assert.ok(held > 15_000 && held < 20_000, `${held} bytes are held`);
    agent.say("result", { id: "1", lease }, { text: "x".repeat(5_000) });
    assert.equal(agent.closed?.code, 4002);
    proxy.heal();
    await until(() => test.relay.health().held_bytes === 0);
  });
}
