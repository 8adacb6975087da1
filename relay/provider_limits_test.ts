import assert from "node:assert/strict";
import { startNats, until } from "../tests/support/mod.ts";
import { TestRelay } from "./testing/test_relay.ts";

const KEY = "claude-1a2b";
const REACHED = { kind: "reached", relay_id: "relay-other", limit_key: KEY };

Deno.test("a provider's limit pauses all agents of its key, at all relays, until its time, and no others", async () => {
  await using nats = await startNats();
  await using one = await TestRelay.start({ nats });
  await using two = await TestRelay.start({ nats });
  const limited = one.agent({ v1: true, agentId: "a", limitKey: KEY });
  const same = two.agent({ v1: true, agentId: "b", limitKey: KEY });
  const others = two.agent({ v1: true, agentId: "c", limitKey: "codex-1" });
  one.publish('{"id":"1","type":"work","payload":{}}');
  await until(() => [limited, same, others].some(({ works }) => works.length > 0));
  const has = [limited, same].find(({ works }) => works.length > 0) ?? others;
  if (has === others) others.say("result", await others.hasWork());
  const agent = has === others ? limited : has;
  const [relay, other] = agent === limited ? [one, two] : [two, one];
  if (has === others) {
    others.leave();
    relay.publish('{"id":"2","type":"work","payload":{}}');
  }
  const not_before = new Date(Date.now() + 3_000).toISOString();
  const payload = { reason: "limited", message: "5-hour limit", not_before };
  agent.say("retry", await agent.hasWork(), payload);
  const pausedAt = ({ relay }: TestRelay) =>
    relay.agents().filter(({ paused }) => paused !== undefined);
  await until(() => pausedAt(relay).length === 1 && pausedAt(other).length === 1);
  const [paused] = pausedAt(other);
  assert.deepEqual([paused?.paused?.reason, paused?.paused?.message], ["limited", "5-hour limit"]);
  await using late = await TestRelay.start({ nats });
  await until(() => {
    const newer = late.agent({ v1: true, limitKey: KEY });
    const isPaused = newer.connection.health.pause !== undefined;
    newer.leave();
    return isPaused;
  }, { message: "a relay that starts later to be told" });
  await until(() => pausedAt(relay).length + pausedAt(other).length === 0, { timeoutMs: 10_000 });
  assert.ok(Date.now() >= Date.parse(not_before) - 100);
  await relay.hasEvents("agent.resumed", 2);
});

Deno.test("an agent names its key where it runs into the limit, if it has not before", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1", "2", "3");
  const same = test.agent({ v1: true, limitKey: KEY, role: "other" });
  agent.say("retry", await agent.hasWork(), {
    ...{ reason: "limited", delay_ms: 60_000, limit_key: KEY },
  });
  for (const { connection } of [agent, same]) {
    assert.equal(connection.health.pause?.reason, "limited");
  }
  const late = test.agent({ v1: true });
  late.say("retry", await late.hasWork(), {
    ...{ reason: "limited", delay_ms: 60_000, limit_key: "with space" },
  });
  assert.equal(late.connection.health.pause?.reason, "limited", "it alone");
  const other = test.agent({ v1: true });
  await other.hasWork();
});

Deno.test("what is no limit is passed over, and none lasts longer than a retry may", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, limitKey: KEY });
  const soon = new Date(Date.now() + 60_000).toISOString();
  const strange = [
    ...["", "[]", "null", "{}", '{"kind":"reached"}', '{"kind":"list"}'],
    JSON.stringify({ ...REACHED, until: "soon" }),
    JSON.stringify({ ...REACHED, until: 5 }),
    JSON.stringify({ ...REACHED, limit_key: "a b", until: soon }),
    JSON.stringify({ ...REACHED, until: "2001-01-01T00:00:00Z" }),
    JSON.stringify({ ...REACHED, relay_id: undefined, until: soon }),
    JSON.stringify({ ...REACHED, until: soon, relay_id: test.relay.id }),
  ];
  for (const body of strange) test.client.nats.publish("relays.limits", body);
  await test.client.nats.flush();
  test.work("1");
  agent.say("result", await agent.hasWork());
  const far = JSON.stringify({ ...REACHED, until: "9999-01-01T00:00:00Z" });
  test.client.nats.publish("relays.limits", far);
  await until(() => agent.connection.health.pause !== undefined);
  const { until: time = 0 } = agent.connection.health.pause ?? {};
  assert.ok(time <= Date.now() + 30 * 86_400_000);
});

Deno.test("whoever runs into a limit that is known pauses too, and stays so when it comes back without its key", async () => {
  await using test = await TestRelay.start();
  const limited = { reason: "limited", delay_ms: 60_000, limit_key: KEY };
  for (const agentId of ["a", "b"]) {
    const agent = test.agent({ v1: true, agentId });
    test.work(agentId);
    agent.say("retry", await agent.hasWork(), limited);
    assert.equal(agent.connection.health.pause?.reason, "limited");
    agent.leave();
    const back = test.agent({ v1: true, agentId });
    assert.equal(back.connection.health.pause?.reason, "limited");
  }
  assert.equal((await test.hasEvents("agent.suspended", 2)).length, 2);
});
