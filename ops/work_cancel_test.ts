import assert from "node:assert/strict";
import { connect, type Connection, ensureStreams } from "@ourocodus/bus";
import { RELAYS_AGENTS_SUBJECT, RELAYS_WORK_CANCEL_SUBJECT } from "@ourocodus/protocol";
import { startNats } from "../tests/support/mod.ts";
import { sendWork } from "./send_work.ts";
import { cancelWork } from "./work_cancel.ts";

/** Stands in for a relay whose agent has a work item: it takes longer to say so than most. */
async function busyRelay(connection: Connection, sequence: number): Promise<void> {
  const agent = {
    ...{ agent_id: "a", session_id: "s", role: "r", protocol: "plain", concurrency: 1 },
    ...{ in_hand: 1, connected_at: "2026-01-01T00:00:00.000Z" },
    work: [{ id: "w", sequence, attempt: 1, since: "2026-01-01T00:00:00.000Z" }],
  };
  const page = { relay_id: "busy", version: "1", page: 1, pages: 1, agents: [agent] };
  const holder = { relay_id: "busy", agent_id: "a", attempt: 1, told: true, away: false };
  connection.nats.subscribe(RELAYS_AGENTS_SUBJECT, {
    callback: (_, message) => void message.respond(JSON.stringify(page)),
  });
  connection.nats.subscribe(RELAYS_WORK_CANCEL_SUBJECT, {
    callback: (_, message) => {
      if (message.json<{ phase: string }>().phase !== "done") return;
      setTimeout(() => message.respond(JSON.stringify(holder)), 800);
    },
  });
  await connection.nats.flush();
}

Deno.test("the receipt names the agent that had it, also if its relay takes a while to say so", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const work = { session: "s", role: "r", id: "w", payload: {} };
  const { sequence } = await sendWork(connection, work);
  await busyRelay(connection, sequence);
  const done = await cancelWork(connection, { workSequence: sequence });
  assert.ok(done.kind === "cancelled", Deno.inspect(done));
  assert.deepEqual([done.was, done.holder?.agent_id], ["in_hand", "a"]);
});
