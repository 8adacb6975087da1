/** What a command that the model runs can see of the environment of the agent program. */
import assert from "node:assert/strict";
import { forEachCodingAgent } from "../support/coding_agents/mod.ts";
import { CodingSystem } from "./support/coding_system.ts";

forEachCodingAgent(
  "has no secret of its shell and of NATS in the environment of its commands",
  async (agent) => {
    await using system = await CodingSystem.start();
    await system.startAgent(agent, {
      flags: ["--permissions", "all", "--env", "GIVEN", "--env", "SAID=said-value"],
      env: {
        GITHUB_TOKEN: "secret-of-shell",
        DATABASE_URL: "postgres://secret-of-database",
        NATS_PASSWORD: "secret-of-nats",
        NATS_TOKEN: "secret-token-of-nats",
        OUROCODUS_TOKEN: "",
        GIVEN: "given-value",
      },
    });
    const { type, payload } = await system.work('SCRIPT: run "env > env.txt"; say "done"');
    assert.equal(type, "result", JSON.stringify(payload));
    const env = await system.repository.show(payload.branch, "env.txt");
    assert.doesNotMatch(env, /secret/);
    assert.doesNotMatch(env, /^NATS_/m);
    assert.doesNotMatch(env, /^(RELAY_URL|SESSION_ID|ROLE|DENO_DIR)=/m);
    assert.match(env, /^PATH=/m);
    assert.match(env, /^GIVEN=given-value$/m);
    assert.match(env, /^SAID=said-value$/m);
  },
);
