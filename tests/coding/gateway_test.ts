/** Real coding agents ask their model through the gateway, and never have its key. */
import assert from "node:assert/strict";
import { type CodingAgentName, forEachCodingAgent } from "../support/coding_agents/mod.ts";
import type { TestCodingAgent } from "../support/coding_agents/mod.ts";
import { CodingSystem } from "./support/coding_system.ts";

const SECRET = "sk-the-key-that-no-agent-may-have-0123456789";
const ALL = ["--permissions", "all", "--gateway"];
const TOKENS = "tokens 1000 10 400";

/** Where each looks for its key. */
const KEYS: Readonly<Record<CodingAgentName, string>> = {
  claude: "ANTHROPIC_API_KEY",
  codex: "OPENAI_API_KEY",
  gemini: "GEMINI_API_KEY",
  opencode: "OPENAI_API_KEY",
};

/** An environment in which the key is the agent program's, and the double its provider. */
async function gatedEnv(
  system: CodingSystem,
  agent: TestCodingAgent,
): Promise<Record<string, string>> {
  const { env } = await system.home(agent);
  const { url } = system.double;
  const config = env.OPENCODE_CONFIG_CONTENT?.replace(`${url}/v1`, "{env:OPENAI_BASE_URL}")
    .replace("test-key", "{env:OPENAI_API_KEY}");
  return {
    [KEYS[agent.name]]: SECRET,
    OPENAI_BASE_URL: `${url}/v1`,
    ...(config !== undefined && { OPENCODE_CONFIG_CONTENT: config }),
  };
}

forEachCodingAgent(
  "works through the gateway, and its key is nowhere it can look",
  async (agent) => {
    await using system = await CodingSystem.start();
    const { folder } = await system.home(agent);
    await system.startAgent(agent, { flags: ALL, env: await gatedEnv(system, agent) });
    const { type, payload } = await system.work(
      `SCRIPT: ${TOKENS}; write a.txt "hi\\n"; ${TOKENS}; run "env > env.txt; cat /proc/*/environ > all.txt"; ` +
        `${TOKENS}; say "done {n}"`,
    );
    assert.deepEqual([type, payload.text], ["result", "done 2"], JSON.stringify(payload));

    // The double was shown the key, and nothing else, for each request.
    const asked = system.double.requests().filter(({ api }) => api !== undefined);
    assert.ok(asked.length >= 3);
    assert.deepEqual([...new Set(asked.map(({ key }) => key))], [SECRET]);

    const { repository } = system;
    const shown = ["env.txt", "all.txt"].map((path) => repository.show(payload.branch, path));
    for (const text of await Promise.all(shown)) {
      assert.match(text, /PATH=/);
      assert.ok(!text.includes(SECRET));
    }
    for (const root of [folder, system.worktrees, repository.folder]) {
      assert.deepEqual(await filesWith(SECRET, root), []);
    }

    // The gateway counts what two of them do not tell, with requests that are no step of the script.
    const { input_tokens, output_tokens, cached_tokens } = payload.usage;
    assert.equal(cached_tokens, 1_200);
    if (agent.name === "claude" || agent.name === "codex") {
      assert.deepEqual([input_tokens, output_tokens], [3_000, 30]);
    } else assert.ok(input_tokens >= 3_000 && output_tokens >= 30, JSON.stringify(payload.usage));
  },
);

/** The files below a folder that have a text in them. */
async function filesWith(text: string, root: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("grep", { args: ["-rlaF", text, root] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((path) => path !== "");
}
