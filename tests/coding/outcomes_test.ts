/**
 * What becomes of work whose model fails, refuses or hangs, as far as the model's double can make it
 * happen to the real agents.
 *
 * @module
 */
import assert from "node:assert/strict";
import { until } from "../support/mod.ts";
import { forEachCodingAgent } from "../support/coding_agents/mod.ts";
import { assertError, assertResult, LONG } from "./support/outcomes.ts";
import { CodingSystem, SLOW_MS } from "./support/coding_system.ts";

forEachCodingAgent("survives a model that fails for a while", async (agent, t) => {
  await using system = await CodingSystem.start();
  await system.startAgent(agent);

  await t.step("that is limited twice (429)", async () => {
    assertResult(await system.work('SCRIPT: fail 429 2 1; say "done"'), "done");
  });
  await t.step("that is overloaded once (503)", async () => {
    assertResult(await system.work('SCRIPT: fail 503 1 1; say "done"'), "done");
  });
  await t.step("whose stream is cut: the text is there once", async () => {
    assertResult(await system.work(`SCRIPT: cut; say "${LONG}"`), LONG);
  });
  await t.step("whose stream is cut after a tool: what was done is kept", async () => {
    const outcome = await system.work(`SCRIPT: write a.txt "a\\n"; cut; say "${LONG}"`);
    assertResult(outcome, LONG);
    assert.equal(await system.repository.show(outcome.payload.branch, "a.txt"), "a\n");
  });
});

forEachCodingAgent("says so when the model does not finish its answer", async (agent, t) => {
  await using system = await CodingSystem.start();
  await system.startAgent(agent);

  await t.step("because it refuses", async () => {
    assertError(await system.work('SCRIPT: stop refusal; say "I cannot"'), "refused");
  });
  await t.step({
    name: "because it got too long",
    // It says "end_turn", and nothing else.
    ignore: agent.name === "opencode",
    async fn() {
      assertError(await system.work('SCRIPT: stop max_tokens; say "half"'), "max_tokens");
    },
  });
  // Gemini CLI says "end_turn" in both cases, and nothing else.
}, { only: ["claude", "codex", "opencode"] });

forEachCodingAgent("has no login: an error that says so", async (agent) => {
  await using system = await CodingSystem.start();
  await system.startAgent(agent);
  const outcome = await system.work('SCRIPT: write a.txt "a\\n"; fail 401 always; say "done"');
  assertError(outcome, "agent_auth");
  assert.equal(await system.repository.show(outcome.payload.branch, "a.txt"), "a\n");
});

forEachCodingAgent("is limited forever: its work waits until it is cancelled", async (agent) => {
  await using system = await CodingSystem.start();
  const program = await system.startAgent(agent);
  const sequence = await system.send('SCRIPT: fail 429 always 1; say "done"');
  await program.waitForLine("is limited by its provider", { timeoutMs: SLOW_MS });
  const asked = ["--sequence", String(sequence)];
  await until(async () => (await system.ok("trace", ...asked)).includes("limited"), {
    timeoutMs: SLOW_MS,
    message: "the work to be released, with the reason",
  });
  await system.ok("work", "cancel", ...asked);
  assertError(await system.outcome(sequence), "cancelled");
  // The other two try again by themselves for minutes.
}, { only: ["claude", "codex"] });
