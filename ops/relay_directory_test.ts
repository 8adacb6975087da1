import assert from "node:assert/strict";
import { connect, type Connection } from "@ourocodus/bus";
import { type AgentRecord, type AgentsPage, RELAYS_AGENTS_SUBJECT } from "@ourocodus/protocol";
import { startNats } from "../tests/support/mod.ts";
import { askRelays } from "./relay_directory.ts";

function agent(agent_id: string, role = "r"): AgentRecord {
  return {
    agent_id,
    session_id: "s",
    role,
    protocol: "plain",
    concurrency: 1,
    in_hand: 0,
    connected_at: "2026-01-01T00:00:00.000Z",
  };
}

/** A relay that answers with these pages; `seen` gets what it is asked. */
async function relay(
  connection: Connection,
  pages: readonly unknown[],
  seen: string[] = [],
): Promise<void> {
  connection.nats.subscribe(RELAYS_AGENTS_SUBJECT, {
    callback: (_, message) => {
      seen.push(message.string());
      for (const page of pages) message.respond(JSON.stringify(page));
    },
  });
  await connection.nats.flush();
}

function page(
  relay_id: string,
  number: number,
  pages: number,
  ...agents: AgentRecord[]
): AgentsPage {
  return { relay_id, version: "1", page: number, pages, agents };
}

Deno.test("without a relay there are no agents", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  assert.deepEqual(await askRelays(connection), {
    relays: [],
    agents: [],
    nobody: true,
    complete: false,
  });
});

Deno.test("a relay that is slow to answer is not taken to be none", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await relay(connection, []);
  const asked = await askRelays(connection, {}, { timeoutMs: 50 });
  assert.deepEqual(asked, { relays: [], agents: [], nobody: false, complete: false });
});

Deno.test("the pages of all relays are put together, and the query is passed on", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const seen: string[] = [];
  await relay(connection, [page("b", 2, 2, agent("3")), page("b", 1, 2, agent("1"))], seen);
  await relay(connection, [page("a", 1, 1, agent("2"))], seen);
  const { relays, agents } = await askRelays(connection, { session: "s" });
  assert.deepEqual(relays, [{ relay_id: "a", version: "1" }, { relay_id: "b", version: "1" }]);
  assert.deepEqual(
    agents.map(({ agent_id, relay_id }) => [agent_id, relay_id]),
    [["1", "b"], ["2", "a"], ["3", "b"]],
  );
  assert.deepEqual(seen, ['{"session":"s"}', '{"session":"s"}']);
});

Deno.test("answers that are no pages are passed over", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await relay(connection, [
    "nonsense",
    null,
    { ...page("x", 1, 1), page: 0 },
    { ...page("y", 1, 1), agents: [{ agent_id: 7 }] },
    page("a", 1, 1, agent("1")),
  ]);
  const { relays, agents } = await askRelays(connection);
  assert.deepEqual([relays.length, agents.length], [1, 1]);
});

Deno.test("a page that never comes ends with the time-out, and the others are there", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await relay(connection, [page("a", 1, 2, agent("1"))]);
  const { agents, complete } = await askRelays(connection, {}, { timeoutMs: 200, stallMs: 1 });
  assert.deepEqual([agents.length, complete], [1, false]);
});

Deno.test("asking ends with an aborted signal", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await relay(connection, []);
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(askRelays(connection, {}, { signal }), /enough/);
});
