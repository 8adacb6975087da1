/**
 * A relay, an agent program and a coding agent that die with SIGKILL in the middle of a command. The
 * command counts its runs in a file of the worktree, so what was resumed has it run once.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isRunning, until } from "../support/mod.ts";
import {
  type CodingAgentName,
  forEachCodingAgent,
  type TestCodingAgent,
} from "../support/coding_agents/mod.ts";
import { familyIn } from "./support/families.ts";
import { CodingSystem, type Outcome, SLOW_MS } from "./support/coding_system.ts";

/** The command runs long enough for what is killed and started again around it. */
function script(seconds: number): string {
  return `SCRIPT: write before.txt "before\\n"; run "echo run >> count.txt; sleep ${seconds}"; ` +
    `write after.txt "after\\n"; say "done"`;
}

const BOXED = ["--permissions", "all"];
const UNBOXED = ["--permissions", "all", "--sandbox", "none"];

/** Those whose conversation cannot be loaded: their work begins anew, in a tree as at the start. */
const BEGIN_ANEW: readonly CodingAgentName[] = ["gemini"];

/** Waits until the command runs. @returns The processes that work in its worktree. */
async function inMidCommand(system: CodingSystem, agent: TestCodingAgent) {
  const folder = await system.worktreeWith("count.txt");
  return familyIn(folder, await system.home(agent));
}

/** The work was done as if nothing had happened, and of those that were at it nobody is left. */
async function assertDone(
  system: CodingSystem,
  { type, payload }: Outcome,
  family: readonly number[],
): Promise<void> {
  assert.equal(type, "result", JSON.stringify(payload));
  const { repository } = system;
  assert.equal(await repository.show(payload.branch, "before.txt"), "before\n");
  assert.equal(await repository.show(payload.branch, "count.txt"), "run\n");
  assert.equal(await repository.show(payload.branch, "after.txt"), "after\n");
  assert.equal(payload.text, "done");
  assert.equal(await repository.status(), "");
  await until(async () => !(await Promise.all(family.map(isRunning))).some(Boolean), {
    message: "the end of all that worked in the worktree",
  });
}

/** After the agent program has ended, nothing is left of all that it has started. */
async function assertNobodyLeft(system: CodingSystem, agent: TestCodingAgent): Promise<void> {
  const home = await system.home(agent);
  await until(() => home.processes().length === 0, {
    timeoutMs: SLOW_MS,
    message: "the end of everything that the agent program has started",
  });
}

forEachCodingAgent("goes on with the same attempt when the relay is killed", async (agent) => {
  await using system = await CodingSystem.start({ relayEnv: { LEASE_GRACE_SECONDS: "60" } });
  const program = await system.startAgent(agent);
  const sequence = await system.send(script(6));
  const { pids } = await inMidCommand(system, agent);
  await system.crashRelay();
  const outcome = await system.outcome(sequence);
  await assertDone(system, outcome, pids);
  assert.equal(outcome.payload.attempt, 1);
  assert.equal(outcome.payload.resumed, false);
  await program.stop();
  await assertNobodyLeft(system, agent);
});

forEachCodingAgent(
  "is resumed by the next attempt when its agent program is killed",
  async (agent) => {
    await using system = await CodingSystem.start();
    const program = await system.startAgent(agent);
    const sequence = await system.send(script(8));
    const { pids } = await inMidCommand(system, agent);
    await program.kill();
    const next = await system.startAgent(agent, { wait: false });
    const outcome = await system.outcome(sequence);
    await assertDone(system, outcome, pids);
    assert.equal(outcome.payload.attempt, 2);
    assert.equal(outcome.payload.resumed, !BEGIN_ANEW.includes(agent.name));
    await next.stop();
    await assertNobodyLeft(system, agent);
  },
);

forEachCodingAgent(
  "is resumed by the next attempt when it is killed itself, outside of a box",
  async (agent) => {
    await using system = await CodingSystem.start();
    const program = await system.startAgent(agent, { flags: UNBOXED });
    const sequence = await system.send(script(8));
    const { pids, agent: pid } = await inMidCommand(system, agent);
    Deno.kill(pid, "SIGKILL");
    const outcome = await system.outcome(sequence);
    await assertDone(system, outcome, pids);
    assert.equal(outcome.payload.attempt, 2);
    assert.equal(outcome.payload.resumed, !BEGIN_ANEW.includes(agent.name));
    assert.equal(program.ended, undefined);
    await program.stop();
    await assertNobodyLeft(system, agent);
  },
);

for (const [where, flags] of [["in a box", BOXED], ["outside of a box", UNBOXED]] as const) {
  const left = `leaves nothing behind ${where} when its agent program is killed and stays away`;
  forEachCodingAgent(left, async (agent) => {
    await using system = await CodingSystem.start();
    const program = await system.startAgent(agent, { flags });
    await system.send(script(300));
    await inMidCommand(system, agent);
    await program.kill();
    await assertNobodyLeft(system, agent);
  });
}
