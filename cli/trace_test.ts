import assert from "node:assert/strict";
import { connect } from "@ourocodus/bus";
import { sendWork } from "@ourocodus/ops";
import { runCli, SocketAgent, startNats, startRelay, until } from "../tests/support/mod.ts";

const WORK = { session: "s", role: "r" };

Deno.test("trace tells where work is in words, and as JSON", async () => {
  await using nats = await startNats();
  const cli = (...args: string[]) => runCli(args, { natsUrl: nats.url });
  await using relay = await startRelay({ natsUrl: nats.url });
  await using connection = await connect({ url: nats.url });
  await sendWork(connection, { ...WORK, id: "a", payload: { message: "\x1b[31mred" } });
  const waiting = await cli("trace", "a");
  assert.equal(waiting.code, 0);
  assert.match(waiting.stdout, /^a {2}waiting in the queue\n/);
  assert.match(waiting.stdout, /session s, role r, sequence 1/);
  assert.ok(!waiting.stdout.includes("\x1b"), "nothing of it reaches the terminal as it is");

  await using agent = await SocketAgent.connect({
    ...{ relayUrl: relay.url, ...WORK, agentId: "agent-1" },
  });
  const work = await agent.gets(1);
  await until(async () =>
    /running: agent agent-1, attempt 1/.test((await cli("trace", "a")).stdout)
  );
  agent.answer(work, { answer: 42 });
  const done = await until(async () => {
    const { stdout } = await cli("trace", "a", "--session", "s", "--role", "r");
    return stdout.startsWith("a  done\n") && stdout;
  });
  assert.match(done, /stored[^]*handed to +agent-1, attempt 1[^]*result[^]*\{"answer":42\}/);
  const json = JSON.parse((await cli("trace", "1", "--json")).stdout);
  assert.deepEqual([json.id, json.state, json.result.payload], ["a", "done", { answer: 42 }]);
});

Deno.test("trace shows the message's further fields", async () => {
  await using nats = await startNats();
  const cli = (...args: string[]) => runCli(args, { natsUrl: nats.url });
  await using connection = await connect({ url: nats.url });
  const text = '{"id":"a","type":"work","due":"noon","payload":{},"tries":3}';
  await sendWork(connection, { ...WORK, id: "a", text });
  await sendWork(connection, { ...WORK, id: "b", payload: {} });
  assert.match((await cli("trace", "a")).stdout, /^fields {2}\{"due":"noon","tries":3\}$/m);
  assert.match((await cli("trace", "a", "--full")).stdout, /^fields\n {2}\{\n {4}"due": "noon",/m);
  assert.doesNotMatch((await cli("trace", "b")).stdout, /fields/);
});

Deno.test("trace of what nobody knows fails and says so", async () => {
  await using nats = await startNats();
  const cli = (...args: string[]) => runCli(args, { natsUrl: nats.url });
  const unknown = await cli("trace", "42", "--session", "s");
  assert.equal(unknown.code, 1);
  assert.match(
    unknown.stderr,
    /^error: no work item with the sequence or the id "42" in session s:/,
  );
  assert.equal((await cli("trace", "--sequence", "x")).code, 2);
  assert.equal((await cli("trace")).code, 2);
  assert.equal((await cli("trace", "a", "--session", "a.b")).code, 2);
});

Deno.test("dead list shows dead letters, and dead retry sends their work again, once", async () => {
  await using nats = await startNats();
  const cli = (...args: string[]) => runCli(args, { natsUrl: nats.url });
  await using relay = await startRelay({ natsUrl: nats.url, env: { MAX_DELIVER: "1" } });
  await using connection = await connect({ url: nats.url });
  await using _agent = await SocketAgent.connect({
    ...{ relayUrl: relay.url, ...WORK, agentId: "agent-1" },
    onWork: (work, agent) => agent.answer(work, { message: "no luck" }, "retry"),
  });
  assert.match(
    (await cli("dead", "list", "--session", "s")).stdout,
    /^No dead letters of session s/,
  );
  for (const id of ["a", "b"]) await sendWork(connection, { ...WORK, id, payload: {} });
  const listed = await until(async () => {
    const { stdout } = await cli("dead", "list", "--session", "s", "--json");
    const letters = stdout.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));
    return letters.length === 2 && letters;
  });
  assert.deepEqual(listed.map(({ id, reason }) => [id, reason]), [["b", "max_deliver"], [
    "a",
    "max_deliver",
  ]]);
  assert.match(
    (await cli("dead", "list", "--session", "s")).stdout,
    /ROLE +ID +ATTEMPTS +WHY\n.* b +1 +given up after 1 attempts/,
  );
  const { sequence } = listed[0];
  const again = await cli("dead", "retry", "--session", "s", `${sequence}`);
  assert.match(
    again.stdout,
    /^✓ b sent again: sequence 3 \(session s, role r, sequence 2, dead\)\n/,
  );
  // The older name.
  const twice = await cli("dead", "requeue", "--session", "s", `${sequence}`, "999999");
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /was sent again before, as sequence 3; --again/);
  assert.match(twice.stderr, /session s has no dead letter 999999/);
  // A sequence is a dead letter's, never that of work.
  const ofWork = await cli("dead", "retry", "--session", "s", "1");
  assert.match(ofWork.stderr, /session s has no dead letter 1\n/);
  await until(async () => (await cli("trace", "b")).stdout.startsWith("b  dead"));
  const byId = await cli("dead", "requeue", "--session", "s", "b", "--json");
  const { asked, kind, work_sequence, retried_as } = JSON.parse(byId.stdout);
  assert.deepEqual([asked, kind, work_sequence, retried_as], ["b", "retried", 3, 4]);
  const all = await cli("dead", "retry", "--session", "s", "--all");
  assert.match(all.stdout, /✓ a sent again/);
  assert.equal((await cli("dead", "list")).code, 2);
});
