import { agentNames } from "@ourocodus/system";
import assert from "node:assert/strict";
import { UsageError } from "./usage_error.ts";
import { agentsWanted } from "./agent_flags.ts";

const FLAGS = { session: "s", role: "r", count: "1", concurrency: "1", command: [] };

Deno.test("without a command an agent echoes, with one it runs it, as it is", () => {
  assert.deepEqual(agentsWanted(FLAGS).args, ["echo"]);
  const command = ["sh", "-c", "echo {id}; rm -rf /tmp/$1"];
  assert.deepEqual(agentsWanted({ ...FLAGS, command, timeout: "1h", retryOn: "75" }).args, [
    ...["exec", "--timeout", "1h", "--retry-on", "75", "--"],
    ...command,
  ]);
  const more = {
    stdout: "json",
    errorIf: ".is_error",
    requireOutput: true,
    sandbox: "bwrap",
  } as const;
  assert.deepEqual(agentsWanted({ ...FLAGS, command: ["true"], ...more }).args, [
    ...["exec", "--stdout", "json", "--error-if", ".is_error", "--require-output"],
    ...["--sandbox", "bwrap", "--", "true"],
  ]);
  assert.throws(() => agentsWanted({ ...FLAGS, timeout: "1h" }), UsageError);
  assert.throws(() => agentsWanted({ ...FLAGS, requireOutput: true }), UsageError);
});

Deno.test("names are free ones, and ids never the same", () => {
  const wanted = { ...agentsWanted({ ...FLAGS, count: "3" }) };
  const names = agentNames(wanted, new Set(["r-2"]));
  assert.deepEqual(names.map(({ name }) => name), ["r-1", "r-3", "r-4"]);
  const one = agentsWanted({ ...FLAGS, name: "mine" });
  const [first] = agentNames(one, new Set());
  const [second] = agentNames(one, new Set());
  assert.equal(first?.name, "mine");
  assert.notEqual(first?.id, second?.id);
});

Deno.test("variables keep everything after the first equals sign", () => {
  assert.deepEqual(agentsWanted({ ...FLAGS, env: ["A=b=c", "D="] }).env, { A: "b=c", D: "" });
  assert.throws(() => agentsWanted({ ...FLAGS, env: ["=x"] }), UsageError);
});

Deno.test("a coding agent gets its flags, paths as absolute ones, and variables by name", () => {
  const flags = { repo: "shop", setup: ["npm ci", "make"], permissions: "edits", thoughts: true };
  const { args, env, passedEnv } = agentsWanted(
    { ...FLAGS, ...flags, agent: "claude", env: ["MODEL=large", "ANTHROPIC_API_KEY"] },
    { ANTHROPIC_API_KEY: "sk-secret" },
  );
  assert.deepEqual(args, [
    ...["coding", "--agent", "claude", "--repo", `${Deno.cwd()}/shop`],
    ...["--setup", "npm ci", "--setup", "make", "--permissions", "edits", "--thoughts"],
    ...["--env", "MODEL", "--env", "ANTHROPIC_API_KEY"],
  ]);
  assert.deepEqual([env, passedEnv], [{ MODEL: "large" }, ["ANTHROPIC_API_KEY"]]);
  const acp = agentsWanted({ ...FLAGS, cwd: ".", acp: true, command: ["my-agent", "--flag"] });
  assert.deepEqual(acp.args, ["coding", "--acp", "--cwd", Deno.cwd(), "--", "my-agent", "--flag"]);
  const rules = agentsWanted({ ...FLAGS, agent: "codex", permissions: "rules.json" });
  assert(rules.args.includes(`${Deno.cwd()}/rules.json`));
});
