import assert from "node:assert/strict";
import { workLine } from "./testing/fake_relay.ts";
import { StandInRelay, storedLine } from "./testing/stand_in_relay.ts";
import { ROOT, runProcess, startEchoAgent } from "../tests/support/mod.ts";

function run(args: string[], env: Record<string, string> = {}) {
  const command = ["run", "-A", `${ROOT}/agent/main.ts`, ...args];
  return runProcess(Deno.execPath(), command, {
    name: "agent",
    env: { SESSION_ID: "", ROLE: "", RELAY_URL: "", ...env },
  });
}

Deno.test("the agent refuses to start without settings, in one line", async () => {
  const { code, stdout, stderr } = await run([]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^error: SESSION_ID and ROLE are missing: [^\n]+\n$/);
});

Deno.test("the agent refuses wrong settings and arguments", async () => {
  const good = { SESSION_ID: "s", ROLE: "r" };
  const bad = await run([], { ...good, CONCURRENCY: "0" });
  assert.deepEqual([bad.code, bad.stderr], [
    2,
    'error: CONCURRENCY is "0", allowed is 1 to 1024\n',
  ]);
  const level = await run([], { ...good, LOG_LEVEL: "loud" });
  assert.deepEqual([level.code, level.stderr.split("\n").length], [2, 2]);
  const unknown = await run(["ehco"], good);
  assert.deepEqual([unknown.code, unknown.stderr], [
    2,
    'error: unknown command "ehco", there are echo, exec, coding and check\n',
  ]);
  const near = await run(["--sesion", "s"], good);
  assert.equal(near.stderr, "error: unknown option '--sesion' (Did you mean --session?)\n");
});

Deno.test("--help lists the commands, theirs the settings", async () => {
  const { code, stdout } = await run(["--help"]);
  assert.equal(code, 0);
  for (const name of ["echo", "exec", "coding", "check"]) {
    assert(stdout.includes(`\n  ${name} [options]`));
  }
  const echo = await run(["echo", "--help"]);
  for (const name of ["SESSION_ID", "ROLE", "RELAY_URL", "AGENT_ID", "CONCURRENCY"]) {
    assert(echo.stdout.includes(name));
  }
});

Deno.test("the agent ends with the relay's reason if it is refused", async () => {
  const refusal = { error: "role is not served here" };
  await using relay = new StandInRelay(() => Response.json(refusal, { status: 400 }));
  const { code, stderr } = await run([], { SESSION_ID: "s", ROLE: "r", RELAY_URL: relay.url });
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `error: Cannot connect to ${relay.url}/agent: 400 role is not served here\n`,
  );
});

Deno.test("the echo agent echoes, and SIGTERM ends it with 0 when its result is stored", async () => {
  await using relay = new StandInRelay();
  await using agent = startEchoAgent({ relayUrl: relay.url, session: "test", role: "echo" });
  const socket = await relay.connection(0);
  socket.send(workLine("1", "L", 1, { text: "hello" }));
  const [result] = await relay.messages(1);
  const { timestamp, ...rest } = result?.payload ?? {};
  assert.deepEqual(rest, { echo: { text: "hello" }, agent: "test:echo" });
  assert.equal(new Date(String(timestamp)).toISOString(), timestamp);
  agent.send("SIGTERM");
  await agent.waitForLine("Stopping");
  assert.equal(agent.ended, undefined);
  socket.send(storedLine("L"));
  assert.equal((await agent.status).code, 0);
  for (const line of agent.lines) assert.equal(typeof JSON.parse(line), "object");
});

Deno.test("a second signal ends the agent at once", async () => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    await using relay = new StandInRelay();
    await using agent = startEchoAgent({ relayUrl: relay.url, session: "test", role: "echo" });
    (await relay.connection(0)).send(workLine("1", "never-stored"));
    await relay.messages(1);
    agent.send(signal);
    await agent.waitForLine("Stopping");
    assert.equal((await agent.insist(signal)).code, code);
  }
});

Deno.test("the agent says that no relay is there, keeps trying, and still ends with 0", async () => {
  const relayUrl = "ws://127.0.0.1:1";
  await using agent = startEchoAgent({ relayUrl, session: "test", role: "echo" });
  await agent.waitForLine("Cannot reach a relay at");
  assert.equal((await agent.stop({ signal: "SIGINT" })).code, 0);
});
