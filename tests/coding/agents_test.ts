/**
 * The ground that other tests of coding agents stand on: each real agent, in a home of its own, does
 * what the model's double tells it, without anything of the product in between.
 *
 * @module
 */
import assert from "node:assert/strict";
import { startModelDouble } from "../model_double/mod.ts";
import { forEachCodingAgent, withRawAcp } from "../support/coding_agents/mod.ts";
import { until } from "../support/mod.ts";

forEachCodingAgent(
  "writes, edits, runs and says what the model's double tells it",
  async (agent) => {
    await using double = await startModelDouble();
    await using home = await agent.home(double.url);
    const cwd = await Deno.makeTempDir({ prefix: "ourocodus-coding-" });
    try {
      await withRawAcp(agent, { home, cwd }, async (acp) => {
        const stopReason = await acp.turn(
          'SCRIPT: write a.txt "hi\\n"; edit a.txt "hi" "ho"; run "cp a.txt b.txt"; say "done {n}"',
        );
        assert.equal(stopReason, "end_turn");
        await until(() => acp.said().endsWith("done 3"), { message: "what is said at last" });
        assert.equal(await Deno.readTextFile(`${cwd}/a.txt`), "ho\n");
        assert.equal(await Deno.readTextFile(`${cwd}/b.txt`), "ho\n");
      });
      const steps = double.requests().filter(({ main }) => main);
      // Claude asks more when the turn has ended.
      assert.deepEqual(steps.slice(0, 4).map(({ results }) => results), [0, 1, 2, 3]);
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  },
);
