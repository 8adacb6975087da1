/** The API on agents that `agent start` made: what it tells of them, and that they stay stopped. */
import { rememberedAgents } from "@ourocodus/system";
import assert from "node:assert/strict";
import { TestSystem } from "../cli/testing/test_system.ts";
import { isRunning, until } from "./support/mod.ts";

interface Agent {
  readonly id: string;
  readonly name: string;
  readonly session_id: string;
  readonly role: string;
  readonly runtime: string;
  readonly status: string;
  readonly pid: number | null;
  readonly restarts: number;
}

async function agents(system: TestSystem): Promise<Agent[]> {
  const response = await fetch(`http://127.0.0.1:${system.apiPort}/api/agents`);
  const { agents, warnings } = await response.json();
  assert.deepEqual(warnings, []);
  return agents;
}

async function remove(
  system: TestSystem,
  path: string,
): Promise<{ status: number; state: string }> {
  const response = await fetch(`http://127.0.0.1:${system.apiPort}/api/agents/${path}`, {
    method: "DELETE",
  });
  const { state } = await response.json();
  return { status: response.status, state };
}

Deno.test("agents that were started here have a name and a process, and stop for good", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok(["agent", "start", "--session", "docs", "--role", "writer", "--count", "2"]);
  const [one, two, ...others] = await until(async () => {
    const list = await agents(system);
    return list.filter(({ status }) => status === "connected").length === 2 && list;
  });
  assert.deepEqual(others, []);
  assert.deepEqual([one?.name, two?.name], ["writer-1", "writer-2"]);
  assert.deepEqual([one?.runtime, two?.runtime], ["process", "process"]);
  const pid = await system.pid("writer-1");
  assert.equal(one?.pid, pid);

  assert.deepEqual(await remove(system, "writer-1"), { status: 202, state: "stopping" });
  await until(async () => (await agents(system)).length === 1);
  assert.equal(await isRunning(pid), false);
  const listed = await system.json(["agent", "list"]);
  assert.deepEqual(listed.map(({ name }: Agent) => name), ["writer-2"]);
  assert.deepEqual((await rememberedAgents(system.home)).map(({ name }) => name), ["writer-2"]);

  // Killed, it is started again: that is not what stopping means.
  Deno.kill(await system.pid("writer-2"), "SIGKILL");
  await until(async () => {
    const [agent] = await agents(system);
    return agent?.restarts === 1 && agent.status === "connected";
  }, { timeoutMs: 30_000 });
});

Deno.test("an agent whose supervisor was killed is still stopped, by its relay", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok(["agent", "start", "--session", "docs", "--role", "writer"]);
  const pid = await system.pid("writer-1");
  const supervisor = await system.pid("supervisor");
  Deno.kill(supervisor, "SIGKILL");
  // Until it is gone, a client that asks it may still be told that it does not answer.
  await until(async () => !await isRunning(supervisor));
  await until(async () => (await agents(system))[0]?.status === "connected");
  assert.equal((await remove(system, "writer-1")).status, 202);
  await until(async () => !await isRunning(pid));
});
