import assert from "node:assert/strict";
import type { DirectoryAgent } from "@ourocodus/ops";
import { agentRows, type ManagedAgent } from "./agent_rows.ts";

const AGENT: ManagedAgent = {
  ...{ name: "writer-1", id: "w", session: "s", role: "writer", runtime: "process" },
  ...{ exit: null, concurrency: 1, pid: 1, container: null, restarts: 0, since: null },
  ...{ runs: true, isKept: true, settled: true },
};
const CONNECTED: DirectoryAgent = {
  ...{ agent_id: "w", session_id: "s", role: "writer", relay_id: "relay-1" },
  protocol: "plain",
  ...{ concurrency: 1, in_hand: 1, connected_at: "2026-01-01T00:00:00.000Z" },
};

function statuses(...asked: Parameters<typeof agentRows>): string[] {
  return agentRows(...asked).map(({ status }) => status);
}

Deno.test("an agent is called disconnected only if relays have said that they do not have it", () => {
  assert.deepEqual(statuses([AGENT], { agents: [CONNECTED], complete: true }), ["connected"]);
  assert.deepEqual(statuses([AGENT], { agents: [], complete: true }), ["disconnected"]);
  assert.deepEqual(statuses([AGENT], { agents: [], complete: false }), ["unknown"]);
  assert.deepEqual(statuses([AGENT], undefined), ["unknown"]);
  assert.deepEqual(statuses([AGENT], { agents: [CONNECTED], complete: false }), ["connected"]);
});

Deno.test("what this machine knows of an agent by itself needs no relay", () => {
  assert.deepEqual(statuses([{ ...AGENT, settled: false }], undefined), ["starting"]);
  assert.deepEqual(statuses([{ ...AGENT, runs: false }], undefined), ["exited"]);
});
