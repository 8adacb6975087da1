import assert from "node:assert/strict";
import { agentsFolder, findCodingAgent } from "./find.ts";
import type { PinnedAgent } from "./pinned.ts";

const AGENT: PinnedAgent = {
  name: "codex",
  package: "@example/codex-acp",
  version: "2.6.0",
  command: ["codex-acp"],
};

/** Installs a package as npm does. @returns The program. */
async function install(folder: string, version: string, name = AGENT.package): Promise<string> {
  const modules = `${folder}/node_modules`;
  await Deno.mkdir(`${modules}/.bin`, { recursive: true });
  await Deno.mkdir(`${modules}/${name}/dist`, { recursive: true });
  await Deno.writeTextFile(`${modules}/${name}/package.json`, JSON.stringify({ name, version }));
  await Deno.writeTextFile(`${modules}/${name}/dist/index.js`, "");
  await Deno.symlink(`../${name}/dist/index.js`, `${modules}/.bin/codex-acp`);
  return `${modules}/.bin/codex-acp`;
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-agents-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an agent is found on PATH, else in the cache", () =>
  inFolder(async (folder) => {
    const cached = await install(`${folder}/ourocodus/test-agents/codex-2.6.0`, "2.6.0");
    const env = { XDG_CACHE_HOME: folder, PATH: `/nowhere:${folder}/node_modules/.bin` };
    assert.deepEqual(findCodingAgent(AGENT, env), { kind: "found", program: cached });
    const program = await install(folder, "2.6.0");
    assert.deepEqual(findCodingAgent(AGENT, env), { kind: "found", program });
  }));

Deno.test("another version, and another package's program of that name, are passed over", () =>
  inFolder(async (folder) => {
    const old = await install(`${folder}/a`, "2.5.0");
    const other = await install(`${folder}/b`, "2.6.0", "@other/codex-acp");
    const PATH = [`${folder}/a`, `${folder}/b`].map((it) => `${it}/node_modules/.bin`).join(":");
    assert.deepEqual(findCodingAgent(AGENT, { PATH, XDG_CACHE_HOME: folder }), {
      kind: "missing",
      reason: "@example/codex-acp 2.6.0 is not installed, " +
        `${old} is version 2.5.0, ${other} is version unknown`,
      unwanted: false,
    });
  }));

Deno.test("OUROCODUS_TEST_AGENTS is the only folder, if it is set", () =>
  inFolder(async (folder) => {
    const PATH = `${folder}/node_modules/.bin`;
    await install(folder, "2.6.0");
    const env = { PATH, XDG_CACHE_HOME: folder, OUROCODUS_TEST_AGENTS: `${folder}/own` };
    assert.equal(findCodingAgent(AGENT, env).kind, "missing");
    const program = await install(`${folder}/own/codex`, "2.6.0");
    assert.deepEqual(findCodingAgent(AGENT, env), { kind: "found", program });
    assert.deepEqual(findCodingAgent(AGENT, { ...env, OUROCODUS_TEST_AGENTS: "none" }), {
      kind: "missing",
      reason: "OUROCODUS_TEST_AGENTS is none",
      unwanted: true,
    });
  }));

Deno.test("agents are kept in the project's cache", () => {
  assert.equal(agentsFolder({ HOME: "/home/x" }), "/home/x/.cache/ourocodus/test-agents");
  assert.throws(() => agentsFolder({}), /set HOME or OUROCODUS_CACHE/);
  assert.equal(findCodingAgent(AGENT, { PATH: "" }).kind, "missing");
});
