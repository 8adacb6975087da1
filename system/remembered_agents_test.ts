import assert from "node:assert/strict";
import { findHome, type Home } from "./home.ts";
import {
  forgetAgents,
  rememberAgents,
  type RememberedAgent,
  rememberedAgents,
} from "./remembered_agents.ts";

function agent(name: string, kind: "process" | "docker" = "process"): RememberedAgent {
  const wanted = {
    ...{ session: "s", role: "r", count: 1, concurrency: 1, name, env: { KEY: "secret" } },
    ...{ passedEnv: [], drainMs: 0, args: ["echo"], cwd: undefined },
  };
  const options = { image: "i", memoryBytes: undefined, cpus: undefined };
  return {
    ...{ name, id: `${name}-1`, wanted, variables: [] },
    runtime: kind === "process" ? { kind, cwd: "/" } : { kind, options },
  };
}

async function withHome(run: (home: Home) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(findHome(new Map([["OUROCODUS_HOME", `${folder}/home`]])));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function names(home: Home): Promise<string[]> {
  return (await rememberedAgents(home)).map(({ name }) => name);
}

Deno.test("agents are remembered for their owner's eyes only, and forgotten by name", async () => {
  await withHome(async (home) => {
    assert.deepEqual(await rememberedAgents(home), []);
    await rememberAgents(home, [agent("a"), agent("b")]);
    await rememberAgents(home, [agent("a"), agent("a", "docker")]);
    assert.deepEqual(await names(home), ["b", "a", "a"]);
    const { mode } = await Deno.stat(home.agents);
    assert.equal((mode ?? 0) & 0o777, 0o600);
    const forgotten = await forgetAgents(home, [
      { name: "a", runtime: "process" },
      { name: "unknown", runtime: "process" },
    ]);
    assert.deepEqual(forgotten.map(({ name }) => name), ["a"]);
    assert.deepEqual(await names(home), ["b", "a"]);
  });
});

Deno.test("commands that remember at the same time lose none", async () => {
  await withHome(async (home) => {
    const all = Array.from({ length: 20 }, (_, index) => `agent-${index}`);
    await Promise.all(all.map((name) => rememberAgents(home, [agent(name)])));
    assert.deepEqual((await names(home)).sort(), all.sort());
  });
});

Deno.test("a file that was changed is an error that says what to do, and stays", async () => {
  await withHome(async (home) => {
    await rememberAgents(home, [agent("a")]);
    for (const text of ["", "{", "[]", '{"format":2,"agents":[]}', '{"format":1,"agents":[1]}']) {
      await Deno.writeTextFile(home.agents, text);
      await assert.rejects(() => rememberedAgents(home), /was changed, .* Remove it, and start/);
      await assert.rejects(() => rememberAgents(home, [agent("b")]), /was changed/);
      assert.equal(await Deno.readTextFile(home.agents), text);
    }
  });
});
