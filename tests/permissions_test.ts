/**
 * What images and executables may do ("permissions" in deno.json) is enough, and not everything.
 *
 * @module
 */
import assert from "node:assert/strict";
import { PARTS } from "../setup/compile.ts";
import { PERMISSIONS, variablesOf } from "./settings_files.ts";
import { freePort, ROOT, runProcess, startNats, startProcess, until } from "./support/mod.ts";

interface PermissionSet {
  readonly all?: boolean;
  readonly env?: readonly string[];
  readonly run?: unknown;
}

const SETS: Readonly<Record<string, PermissionSet>> =
  JSON.parse(Deno.readTextFileSync(`${ROOT}/deno.json`)).permissions;

function run(set: string, script: string, ...args: string[]): string[] {
  const permissions = `--permission-set=${set}`;
  return ["run", "-q", "--no-prompt", "--cached-only", permissions, `${ROOT}/${script}`, ...args];
}

Deno.test("each part's permissions are there", () => {
  for (const { permissions } of Object.values(PARTS)) assert(SETS[permissions], permissions);
});

for (const [set, table] of Object.entries(PERMISSIONS)) {
  Deno.test(`${set} may read every variable in its table, and no other; it may not run programs`, () => {
    const { all, env, run } = SETS[set] ?? {};
    assert(!all && !run);
    assert.deepEqual(env, variablesOf(table), "deno.json is stale, write it: deno task settings");
  });
}

Deno.test("work is done, and read, with these permissions alone", async () => {
  await using nats = await startNats();
  const port = freePort();
  const env = {
    NATS_URL: nats.url,
    HOST: "127.0.0.1",
    PORT: String(port),
    RELAY_URL: `ws://127.0.0.1:${port}`,
    SESSION_ID: "s",
    ROLE: "echo",
  };
  const deno = Deno.execPath();
  await using relay = startProcess(deno, run("relay", "relay/main.ts"), { env });
  await until(async () => {
    if (relay.ended) throw relay.failure("ended");
    const check = await runProcess(deno, run("relay", "relay/main.ts", "--health-check"), { env });
    return check.code === 0;
  }, { timeoutMs: 30_000, message: "the relay to say that it is healthy" });
  const apiPort = freePort();
  await using api = startProcess(deno, run("api", "api/main.ts"), {
    env: { ...env, PORT: String(apiPort), OUROCODUS_HOME: "/nonexistent" },
  });
  await until(async () => {
    if (api.ended) throw api.failure("ended");
    const agents = await fetch(`http://127.0.0.1:${apiPort}/api/agents`).catch(() => undefined);
    const answer = await agents?.json();
    return agents?.status === 200 && answer.warnings.length === 0;
  }, { timeoutMs: 30_000, message: "the API to answer" });
  await using agent = startProcess(deno, run("agent", "agent/main.ts"), { env });
  const send = ["send", "work", "--session", "s", "--role", "echo", "--message", "hello", "--wait"];
  const sent = await runProcess(deno, run("client", "cli/main.ts", ...send), { env });
  assert.equal(sent.code, 0, sent.stderr);
  assert.match(sent.stdout, /hello/);
  const tail = ["tail", "results", "--session", "s", "--no-follow"];
  const tailed = await runProcess(deno, run("client", "cli/main.ts", ...tail), { env });
  assert.equal(tailed.code, 0, tailed.stderr);
  assert.match(tailed.stdout, /hello/);
  assert.equal((await agent.stop()).code, 0);
  assert.equal((await api.stop()).code, 0);
  assert.equal((await relay.stop()).code, 0);
  for (const { stderr } of [relay, api, agent, sent, tailed]) {
    assert.doesNotMatch(stderr, /NotCapable|Requires|experimental/);
  }
});
