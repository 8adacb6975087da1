import assert from "node:assert/strict";
import { isRunning, until } from "../tests/support/mod.ts";
import { start } from "./testing/memory_console.ts";
import { TestSystem } from "./testing/test_system.ts";

Deno.test("what does not answer is told by status, with everything else; Ctrl-C does not wait for it", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok(["agent", "start", "--session", "s", "--role", "writer"]);
  const [nats, relay] = [await system.pid("nats-server"), await system.pid("relay")];

  Deno.kill(relay, "SIGSTOP");
  const withoutRelay = await system.run(["status"]);
  assert.equal(withoutRelay.code, 1);
  assert.match(withoutRelay.stdout, /^nats-server +healthy .*\nrelay +unhealthy /m);
  const log = `${system.home.logs}/relay.log`;
  assert(withoutRelay.stdout.includes(`relay, pid ${relay}, runs and does not `), "advice");
  assert(withoutRelay.stdout.includes(`Its log: ${log}\n  kill -KILL ${relay} `), "advice");
  assert.match(withoutRelay.stdout, /^work +0 waiting/m);
  assert.match(withoutRelay.stdout, /^No relay answers: which agents are connected is not known/m);
  assert.match(withoutRelay.stdout, /^writer-1 /m);
  assert.equal((await system.json(["status"])).relays, 0);
  Deno.kill(relay, "SIGCONT");

  Deno.kill(nats, "SIGSTOP");
  const withoutNats = await system.run(["status"]);
  assert.equal(withoutNats.code, 1);
  assert.match(withoutNats.stdout, /^supervisor +healthy .*\nnats-server +unhealthy /m);
  assert.match(withoutNats.stdout, /^NATS cannot be asked: .*\n\nNAME .*\nwriter-1 /m);
  const { parts, streams, relays } = await system.json(["status"]);
  assert.deepEqual([parts[0].status, streams, relays], ["unhealthy", null, null]);
  const interrupted = start(["status"], { env: { OUROCODUS_HOME: system.home.folder } });
  interrupted.interrupt();
  assert.deepEqual([await interrupted.code, interrupted.out.text], [130, ""]);
});

Deno.test("of a supervisor that hangs its pid is told, and what keeps all else running", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const [pid, relay] = [await system.pid("supervisor"), await system.pid("relay")];
  Deno.kill(pid, "SIGSTOP");
  const { code, stderr } = await system.run(["status"]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^error: The supervisor, pid ${pid}, .*: nothing within 10 s`));
  assert.match(stderr, new RegExp(`"kill -KILL ${pid}" ends it, .* "ourocodus start" takes`));
  Deno.kill(pid, "SIGKILL");
  await until(async () => !await isRunning(pid));
  assert.match(await system.start(), /was taken over/);
  assert.equal(await system.pid("relay"), relay);
});
