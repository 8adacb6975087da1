/**
 * What becomes of work whose model fails, refuses or hangs, and of work that is not wanted any more:
 * as far as the model's double can make it happen to the real agents.
 *
 * @module
 */
import assert from "node:assert/strict";
import { isRunning, until } from "../support/mod.ts";
import { forEachCodingAgent } from "../support/coding_agents/mod.ts";
import { familyIn } from "./support/families.ts";
import { CodingScene, type Outcome, SLOW_MS } from "./support/scene.ts";

const LONG = "a text that is so long that it comes in more than one piece of a stream";

function assertResult({ type, payload }: Outcome, text: string): void {
  assert.deepEqual([type, payload.text], ["result", text], JSON.stringify(payload));
}

function assertError({ type, payload }: Outcome, code: string): void {
  assert.deepEqual([type, payload.code], ["error", code], JSON.stringify(payload));
}

forEachCodingAgent("survives a model that fails for a while", async (agent, t) => {
  await using scene = await CodingScene.start();
  await scene.startAgent(agent);

  await t.step("that is limited twice (429)", async () => {
    assertResult(await scene.work('SCRIPT: fail 429 2 1; say "done"'), "done");
  });
  await t.step("that is overloaded once (503)", async () => {
    assertResult(await scene.work('SCRIPT: fail 503 1 1; say "done"'), "done");
  });
  await t.step("whose stream is cut: the text is there once", async () => {
    assertResult(await scene.work(`SCRIPT: cut; say "${LONG}"`), LONG);
  });
  await t.step("whose stream is cut after a tool: what was done is kept", async () => {
    const outcome = await scene.work(`SCRIPT: write a.txt "a\\n"; cut; say "${LONG}"`);
    assertResult(outcome, LONG);
    assert.equal(await scene.repository.show(outcome.payload.branch, "a.txt"), "a\n");
  });
});

forEachCodingAgent("says so when the model does not finish its answer", async (agent, t) => {
  await using scene = await CodingScene.start();
  await scene.startAgent(agent);

  await t.step("because it refuses", async () => {
    assertError(await scene.work('SCRIPT: stop refusal; say "I cannot"'), "refused");
  });
  await t.step({
    name: "because it got too long",
    // It says "end_turn", and nothing else.
    ignore: agent.name === "opencode",
    async fn() {
      assertError(await scene.work('SCRIPT: stop max_tokens; say "half"'), "max_tokens");
    },
  });
  // Gemini CLI says "end_turn" in both cases, and nothing else.
}, { only: ["claude", "codex", "opencode"] });

forEachCodingAgent("has no login: an error that says so", async (agent) => {
  await using scene = await CodingScene.start();
  await scene.startAgent(agent);
  const outcome = await scene.work('SCRIPT: write a.txt "a\\n"; fail 401 always; say "done"');
  assertError(outcome, "agent_auth");
  assert.equal(await scene.repository.show(outcome.payload.branch, "a.txt"), "a\n");
});

forEachCodingAgent("is limited for ever: its work waits until it is cancelled", async (agent) => {
  await using scene = await CodingScene.start();
  const program = await scene.startAgent(agent);
  const sequence = await scene.send('SCRIPT: fail 429 always 1; say "done"');
  await program.waitForLine("is limited by its provider", { timeoutMs: SLOW_MS });
  const asked = ["--sequence", String(sequence)];
  await until(async () => (await scene.ok("trace", ...asked)).includes("given back by"), {
    timeoutMs: SLOW_MS,
    message: "the work to be given back",
  });
  await scene.ok("work", "cancel", ...asked);
  assertError(await scene.outcome(sequence), "cancelled");
  // The other two try again by themselves for minutes.
}, { only: ["claude", "codex"] });

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
