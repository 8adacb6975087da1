/** Real coding agents ask their model through the gateway, and never have its key. */
import assert from "node:assert/strict";
import {
  type CodingAgentName,
  forEachCodingAgent,
  type TestCodingAgent,
} from "../support/coding_agents/mod.ts";
import { until } from "../support/mod.ts";
import { CodingSystem, SLOW_MS } from "./support/coding_system.ts";

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
    const record = `${system.worktrees}/recorded`;
    await system.startAgent(agent, {
      flags: [...ALL, "--record", record],
      env: await gatedEnv(system, agent),
    });
    const { type, payload } = await system.work(
      `SCRIPT: ${TOKENS}; write a.txt "hi\\n"; ${TOKENS}; ` +
        `run "env > env.txt; cat /proc/*/environ > all.txt"; ${TOKENS}; say "done {n}"`,
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
    const all = await filesWith('"type":"request"', record);
    assert.equal(all.length, 1, "a recording");
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

forEachCodingAgent(
  "asks for no more than its work item may use, and one request",
  async (agent) => {
    await using system = await CodingSystem.start();
    const flags = [...ALL, "--max-tokens", "2500"];
    await system.startAgent(agent, { flags, env: await gatedEnv(system, agent) });
    const steps = Array.from({ length: 9 }, (_, n) => `${TOKENS}; write ${n}.txt "${n}"`);
    const { type, payload } = await system.work(`SCRIPT: ${steps.join("; ")}; ${TOKENS}; say no`);
    assert.deepEqual([type, payload.code], ["error", "limit_exceeded"], JSON.stringify(payload));
    assert.deepEqual([payload.limit, payload.max], ["max_tokens", 2_500]);
    // Each step is 1,010; requests for a title may have come between.
    const main = system.double.requests().filter(({ main }) => main);
    assert.ok(main.length >= 1 && main.length <= 3, `${main.length} requests`);
  },
);

forEachCodingAgent("has used what it had used before its program was killed", async (agent) => {
  await using system = await CodingSystem.start();
  const env = await gatedEnv(system, agent);
  const start = (budget: string, wait: boolean) => {
    const flags = [...ALL, "--gateway-budget", budget];
    return system.startAgent(agent, { flags, env, wait });
  };
  const first = await start("1000000", true);
  const run = 'run "touch begun; sleep 300"';
  const sequence = await system.send(`SCRIPT: tokens 2000 10; ${run}; write a.txt a; say done`);
  await system.worktreeWith("begun");
  await first.kill();
  const asked = system.double.requests().length;
  const second = await start("2000", false);
  await second.waitForLine("the gateway's budget is used up", { timeoutMs: SLOW_MS });
  assert.equal(system.double.requests().length, asked);
  await second.kill();

  // With more, the work goes on, or begins anew.
  await start("1000000", true);
  await until(() => system.double.requests().length > asked, {
    timeoutMs: SLOW_MS,
    message: "the model's double to be asked",
  });
  // Of those that go on in their conversation it may be done already.
  await system.cli("work", "cancel", "--sequence", String(sequence));
});

forEachCodingAgent("does not notice that its provider has asked to wait", async (agent) => {
  await using system = await CodingSystem.start();
  await system.startAgent(agent, { flags: ALL, env: await gatedEnv(system, agent) });
  const { type, payload } = await system.work(
    'SCRIPT: fail 429 2 1; write a.txt a; say "done {n}"',
  );
  assert.deepEqual([type, payload.text], ["result", "done 1"], JSON.stringify(payload));
  assert.equal(payload.attempt, 1);
  const refused = system.double.requests().filter(({ status }) => status === 429);
  assert.equal(refused.length, 2);
});

/** The files below a folder that have a text in them. */
async function filesWith(text: string, root: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("grep", { args: ["-rlaF", text, root] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((path) => path !== "");
}
