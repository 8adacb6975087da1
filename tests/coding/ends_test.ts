/**
 * How work of real coding agents is ended: by limits, when it is cancelled, where something is not
 * allowed, and if an agent never answers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isRunning, until } from "../support/mod.ts";
import { forEachCodingAgent } from "../support/coding_agents/mod.ts";
import { processesWith } from "../support/processes_with.ts";
import { familyIn } from "./support/families.ts";
import { assertError, assertResult, LONG } from "./support/outcomes.ts";
import { CodingSystem, SLOW_MS } from "./support/coding_system.ts";

forEachCodingAgent("is ended within its limit, and what it did is kept", async (agent, t) => {
  await using system = await CodingSystem.start();
  await system.startAgent(agent);
  // opencode alone needs some seconds until it asks its model.
  const limits = { max_duration_ms: agent.name === "opencode" ? 45_000 : 15_000 };

  await t.step("when the model hangs", async () => {
    const outcome = await system.work(`SCRIPT: write a.txt "a\\n"; hang always; say "${LONG}"`, {
      limits,
    });
    assertError(outcome, "limit_exceeded");
    assert.equal(outcome.payload.limit, "max_duration_ms");
    assert.equal(await system.repository.show(outcome.payload.branch, "a.txt"), "a\n");
    assert.match(outcome.payload.patch, /^\+a$/m);
  });
  await t.step({
    name: "when a command hangs",
    // After ten seconds Codex tells its model that the command goes on, and the double is content.
    ignore: agent.name === "codex",
    async fn() {
      const outcome = await system.work('SCRIPT: run "echo b > b.txt; sleep 600"; say "done"', {
        limits,
      });
      assertError(outcome, "limit_exceeded");
      assert.equal(await system.repository.show(outcome.payload.branch, "b.txt"), "b\n");
    },
  });
});

forEachCodingAgent(
  "stops when its work is cancelled, and nothing of it is left",
  async (agent, t) => {
    await using system = await CodingSystem.start();
    await system.startAgent(agent);
    const cancelled = async (sequence: number) => {
      await system.ok("work", "cancel", "--sequence", `${sequence}`);
      assertError(await system.outcome(sequence), "cancelled");
      await until(async () => (await system.health()).in_hand === 0, {
        timeoutMs: SLOW_MS,
        message: "the agent's hands to be empty",
      });
    };

    await t.step("while a command runs", async () => {
      const sequence = await system.send(
        'SCRIPT: run "echo x > in-command.txt; sleep 600"; say "no"',
      );
      const { pids } = familyIn(
        await system.worktreeWith("in-command.txt"),
        await system.home(agent),
      );
      await cancelled(sequence);
      await until(async () => !(await Promise.all(pids.map(isRunning))).some(Boolean), {
        timeoutMs: SLOW_MS,
        message: "the end of all that worked in the worktree",
      });
    });
    await t.step("while it waits for the model", async () => {
      system.double.reset();
      const sequence = await system.send(`SCRIPT: hang always; say "${LONG}"`);
      await until(() => system.double.requests().some(({ ending }) => ending === "hang"), {
        timeoutMs: SLOW_MS,
        message: "the model's double to be asked",
      });
      await cancelled(sequence);
    });
    await t.step("as soon as it has it", async () => {
      const sequence = await system.send('SCRIPT: run "sleep 600"; say "no"');
      await until(async () => (await system.health()).in_hand === 1, {
        timeoutMs: SLOW_MS,
        message: "the work to be in its hands",
      });
      await cancelled(sequence);
    });
    await t.step("and does the next", async () => {
      assertResult(await system.work('SCRIPT: say "done"'), "done");
    });
  },
);

forEachCodingAgent("may edit but not run commands, by default", async (agent) => {
  await using system = await CodingSystem.start();
  await system.startAgent(agent, { flags: [] });
  const edit = 'write a.txt "a\\n"';
  const outcome = await system.work(`SCRIPT: ${edit}; run "touch ran.txt"; say "went on"`);
  // opencode ends its turn when something is denied, the others tell the model.
  if (agent.name === "opencode") assertError(outcome, "permission_denied");
  else assertResult(outcome, "went on");
  const { payload } = outcome;
  assert.equal(await system.repository.show(payload.branch, "a.txt"), "a\n");
  assert.deepEqual(payload.files.map(({ path }: { path: string }) => path), ["a.txt"]);
  const denied = payload.permissions.filter(({ answer }: { answer: string }) => answer === "deny");
  // Codex does not ask for the command: its sandbox lets it write nothing.
  assert.equal(denied.length, agent.name === "codex" ? 0 : 1, JSON.stringify(payload.permissions));
});

Deno.test("a coding agent that never answers is ended, and what it said is told", async () => {
  await using system = await CodingSystem.start();
  const mark = `STUCK=${crypto.randomUUID()}`;
  const silent = ["--acp", "--", "sh", "-c", "echo I am stuck >&2; sleep 600"];
  const program = await system.startProgram(["--env", mark, ...silent]);
  await until(() => processesWith(mark).length > 0, { timeoutMs: SLOW_MS });
  await program.waitForLine("I am stuck", { timeoutMs: SLOW_MS });
  await until(() => processesWith(mark).length === 0, { message: "the end of the coding agent" });
});
