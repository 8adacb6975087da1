import assert from "node:assert/strict";
import fc from "fast-check";
import { askRelays } from "@ourocodus/ops";
import { type AgentRecord, type AgentsPage, RELAYS_AGENTS_SUBJECT } from "@ourocodus/protocol";
import { startNats, until } from "../tests/support/mod.ts";
import { answerAgentQueries, paginate } from "./directory.ts";
import { TestRelay } from "./testing/test_relay.ts";

Deno.test("pages keep every record in order and below the limit", () => {
  const records = fc.array(fc.nat(64).map((length) => ({ agent_id: "a".repeat(length) })));
  fc.assert(fc.property(records, fc.integer({ min: 1, max: 500 }), (all, limit) => {
    const pages = paginate(all as unknown as AgentRecord[], limit);
    assert.deepEqual(pages.flat(), all);
    assert.ok(pages.length >= 1);
    for (const page of pages) {
      if (page.length > 1) assert.ok(JSON.stringify(page).length <= limit + 1);
      if (pages.length > 1) assert.ok(page.length > 0);
    }
  }));
});

Deno.test("a relay answers with its agents, those of one session or role, in pages that NATS takes", async () => {
  await using nats = await startNats({ config: "max_payload: 4096" });
  await using test = await TestRelay.start({ nats });
  answerAgentQueries(test.connection, test.relay);
  await test.connection.nats.flush();
  for (let index = 0; index < 100; index++) {
    test.agent({ agentId: `a${index}`, session: index === 0 ? "other" : "s" });
  }
  const ask = async (body: string | Uint8Array) => {
    const pages: AgentsPage[] = [];
    const subscription = test.client.nats.subscribe("answers", {
      callback: (_, msg) => {
        pages.push(msg.json());
      },
    });
    test.client.nats.publish(RELAYS_AGENTS_SUBJECT, body, { reply: "answers" });
    await until(() => pages.length > 0 && pages.length === pages[0]?.pages);
    subscription.unsubscribe();
    return pages;
  };
  const all = await ask("");
  assert.ok(all.length > 1);
  assert.deepEqual(all.map(({ page }) => page), all.map((_, index) => index + 1));
  assert.equal(
    new Set(all.flatMap(({ agents }) => agents.map((agent) => agent.agent_id))).size,
    100,
  );
  const [other] = await ask('{"session":"other"}');
  assert.deepEqual(other?.agents.map(({ agent_id }) => agent_id), ["a0"]);
  const [nobody] = await ask('{"session":"s","role":"nobody"}');
  assert.deepEqual([nobody?.agents, nobody?.pages, nobody?.relay_id], [[], 1, test.relay.id]);
  for (const odd of ["not json", "[]", '{"session":7}', new Uint8Array([0xff])]) {
    const pages = await ask(odd);
    assert.equal(pages.flatMap(({ agents }) => agents).length, 100);
  }
});

Deno.test("an agent with more work than NATS takes in a message is told with all of it", async () => {
  await using nats = await startNats({ config: "max_payload: 4096" });
  await using test = await TestRelay.start({ nats });
  answerAgentQueries(test.connection, test.relay);
  await test.connection.nats.flush();
  const busy = test.agent({ agentId: "busy", v1: true, concurrency: 100 });
  test.agent({ agentId: "idle", v1: true, role: "s" });
  const ids = Array.from({ length: 60 }, (_, index) => `${index} ${"💥".repeat(60)}`);
  test.work(...ids);
  await busy.hasWork(60);
  const { agents } = await askRelays(test.client, { work: true });
  assert.deepEqual(agents.map(({ agent_id, in_hand }) => [agent_id, in_hand]), [
    ["busy", 60],
    ["idle", 0],
  ]);
  assert.deepEqual(agents.map(({ work }) => work?.map(({ id }) => id)), [ids, []]);
});
