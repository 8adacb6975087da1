/**
 * What images and executables may do ("permissions" in deno.json) is enough, and not everything.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { PARTS } from "../setup/compile.ts";
import { freePort, ROOT, runProcess, startNats, startProcess, until } from "./support/mod.ts";

interface PermissionSet {
  readonly all?: boolean;
  readonly env?: readonly string[];
  readonly run?: unknown;
}

const SETS: Readonly<Record<string, PermissionSet>> =
  JSON.parse(Deno.readTextFileSync(`${ROOT}/deno.json`)).permissions;
/** `textSetting(env, "NAME"`, `env.get("NAME")`, and the relay's own short form, `bytes("NAME"`. */
const READS = /(?:[sS]etting\w*\(\s*env,\s*|\benv\.get\(\s*|\bbytes\(\s*)"([A-Z_]+)"/g;

/** What a client has no use for. */
const OF_SERVERS = ["OUROCODUS_TOKEN_PUBLIC_KEY", "OUROCODUS_INSECURE"];

/** What modules read that the API shares with the command line, and does not use itself. */
const OF_OTHERS = ["NATS_SERVER", "COMPOSE_PROJECT_NAME", "OUROCODUS_IMAGES"];

function run(set: string, script: string, ...args: string[]): string[] {
  const permissions = `--permission-set=${set}`;
  return ["run", "-q", "--no-prompt", "--cached-only", permissions, `${ROOT}/${script}`, ...args];
}

/** The variables that a program's own modules name. */
async function variables(main: string): Promise<string[]> {
  const { stdout } = await runProcess(Deno.execPath(), ["info", "--json", `${ROOT}/${main}`]);
  const { modules } = JSON.parse(stdout) as { modules: { specifier: string }[] };
  const files = modules.map(({ specifier }) => specifier).filter((it) => it.startsWith("file:"));
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(fileURLToPath(file))));
  const names = texts.flatMap((text) => [...text.matchAll(READS)].map(([, name = ""]) => name));
  return [...new Set(names)];
}

Deno.test("each part's permissions are there", () => {
  for (const { permissions } of Object.values(PARTS)) assert(SETS[permissions], permissions);
});

Deno.test("a relay may read every variable that it knows, and no other; it may not run programs", async () => {
  const { all, env = [], run } = SETS.relay ?? {};
  assert(!all && !run);
  assert.deepEqual([...env].sort(), (await variables("relay/main.ts")).sort());
});

Deno.test("the API may read every variable that it knows; it may not run programs", async () => {
  const { all, env = [], run } = SETS.api ?? {};
  assert(!all && !run);
  const known = await variables("api/main.ts");
  assert.deepEqual(known.filter((name) => !env.includes(name) && !OF_OTHERS.includes(name)), []);
});

Deno.test("a client in a container may read every variable of the connection, and may not run programs", () => {
  const { all, env = [], run } = SETS.client ?? {};
  assert(!all && !run);
  const shared =
    SETS.relay?.env?.filter((name) =>
      /^(NATS|OUROCODUS)_/.test(name) && !OF_SERVERS.includes(name)
    ) ?? [];
  assert(shared.length > 5);
  assert.deepEqual(shared.filter((name) => !env.includes(name)), []);
});

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
