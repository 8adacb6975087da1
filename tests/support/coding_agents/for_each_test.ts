import assert from "node:assert/strict";
import { describeCodingAgents } from "./for_each.ts";

Deno.test("it is said which coding agents are not tested, and why", () => {
  assert.equal(
    describeCodingAgents({ OUROCODUS_TEST_AGENTS: "none" }),
    "Testing with no coding agents: OUROCODUS_TEST_AGENTS is none",
  );
  const here = describeCodingAgents({ HOME: "/nonexistent", PATH: "" });
  assert.match(here, /^Testing with no coding agents: @agentclientprotocol\/claude-agent-acp 0/);
  assert.match(here, /; opencode-ai [\d.]+ is not installed$/);
});
