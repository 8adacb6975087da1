/**
 * How work of real coding agents is ended: by limits, when it is cancelled, where something is not
 * allowed, and if an agent never answers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isRunning, until } from "../support/mod.ts";
import { forEachCodingAgent } from "../support/coding_agents/mod.ts";
import { familyIn } from "./support/families.ts";
import { assertError, assertResult, LONG } from "./support/outcomes.ts";
import { CodingScene, SLOW_MS } from "./support/scene.ts";

forEachCodingAgent("is ended within its limit, and what it did is kept", async (agent, t) => {
  await using scene = await CodingScene.start();
  await scene.startAgent(agent);
  // opencode alone needs some seconds until it asks its model.
  const limits = { max_duration_ms: agent.name === "opencode" ? 45_000 : 15_000 };

  await t.step("when the model hangs", async () => {
    const outcome = await scene.work(`SCRIPT: write a.txt "a\\n"; hang always; say "${LONG}"`, {
      limits,
    });
    assertError(outcome, "limit_exceeded");
    assert.equal(outcome.payload.limit, "max_duration_ms");
    assert.equal(await scene.repository.show(outcome.payload.branch, "a.txt"), "a\n");
    assert.match(outcome.payload.patch, /^\+a$/m);
  });
  await t.step({
    name: "when a command hangs",
    // After ten seconds Codex tells its model that the command goes on, and the double is content.
    ignore: agent.name === "codex",
    async fn() {
      const outcome = await scene.work('SCRIPT: run "echo b > b.txt; sleep 600"; say "done"', {
        limits,
      });
      assertError(outcome, "limit_exceeded");
      assert.equal(await scene.repository.show(outcome.payload.branch, "b.txt"), "b\n");
    },
  });
});

forEachCodingAgent(
  "stops when its work is cancelled, and nothing of it is left",
  async (agent, t) => {
    await using scene = await CodingScene.start();
    await scene.startAgent(agent);
    const cancelled = async (sequence: number) => {
      await scene.ok("work", "cancel", "--sequence", `${sequence}`);
      assertError(await scene.outcome(sequence), "cancelled");
      await until(async () => (await scene.health()).in_hand === 0, {
        timeoutMs: SLOW_MS,
        message: "the agent's hands to be empty",
      });
    };

    await t.step("while a command runs", async () => {
      const sequence = await scene.send(
        'SCRIPT: run "echo x > in-command.txt; sleep 600"; say "no"',
      );
      const { pids } = familyIn(
        await scene.worktreeWith("in-command.txt"),
        await scene.home(agent),
      );
      await cancelled(sequence);
      await until(async () => !(await Promise.all(pids.map(isRunning))).some(Boolean), {
        timeoutMs: SLOW_MS,
        message: "the end of all that worked in the worktree",
      });
    });
    await t.step("while it waits for the model", async () => {
      scene.double.reset();
      const sequence = await scene.send(`SCRIPT: hang always; say "${LONG}"`);
      await until(() => scene.double.requests().some(({ ending }) => ending === "hang"), {
        timeoutMs: SLOW_MS,
        message: "the model's double to be asked",
      });
      await cancelled(sequence);
    });
    await t.step("as soon as it has it", async () => {
      const sequence = await scene.send('SCRIPT: run "sleep 600"; say "no"');
      await until(async () => (await scene.health()).in_hand === 1, {
        timeoutMs: SLOW_MS,
        message: "the work to be in its hands",
      });
      await cancelled(sequence);
    });
    await t.step("and does the next", async () => {
      assertResult(await scene.work('SCRIPT: say "done"'), "done");
    });
  },
);

forEachCodingAgent("may edit but not run commands, by default", async (agent) => {
  await using scene = await CodingScene.start();
  await scene.startAgent(agent, { flags: [] });
  const edit = 'write a.txt "a\\n"';
  const outcome = await scene.work(`SCRIPT: ${edit}; run "touch ran.txt"; say "went on"`);
  // opencode ends its turn when something is denied, the others tell the model.
  if (agent.name === "opencode") assertError(outcome, "permission_denied");
  else assertResult(outcome, "went on");
  const { payload } = outcome;
  assert.equal(await scene.repository.show(payload.branch, "a.txt"), "a\n");
  assert.deepEqual(payload.files.map(({ path }: { path: string }) => path), ["a.txt"]);
  const denied = payload.permissions.filter(({ answer }: { answer: string }) => answer === "deny");
  // Codex does not ask for the command: its sandbox lets it write nothing.
  assert.equal(denied.length, agent.name === "codex" ? 0 : 1, JSON.stringify(payload.permissions));
});

Deno.test("a coding agent that never answers is ended, and what it said is told", async () => {
  await using scene = await CodingScene.start();
  const silent = ["--acp", "--", "sh", "-c", "echo I am stuck >&2; sleep 600"];
  const program = await scene.startProgram(silent);
  await program.waitForLine("I am stuck", { timeoutMs: SLOW_MS });
});
