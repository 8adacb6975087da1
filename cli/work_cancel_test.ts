import assert from "node:assert/strict";
import { connect, sendWork } from "@ourocodus/bus";
import { runCli, SocketAgent, startNats, startRelay, until } from "../tests/support/mod.ts";

const WORK = { session: "s", role: "r" };

async function scene() {
  const stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const relay = stack.use(await startRelay({ natsUrl: nats.url }));
  const connection = stack.use(await connect({ url: nats.url }));
  const cli = (...args: string[]) => runCli(args, { natsUrl: nats.url });
  return {
    cli,
    cancel: (...args: string[]) => cli("work", "cancel", ...args),
    send: async (id: string, session = "s") =>
      (await sendWork(connection, { ...WORK, session, id, payload: {} })).sequence,
    agent: async (options: { readonly agentId: string; readonly v1: boolean }) =>
      stack.use(
        await SocketAgent.connect({ relayUrl: relay.url, ...WORK, ...options }),
      ),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("waiting work that is cancelled is told to have waited, and then to be cancelled already", async () => {
  await using there = await scene();
  for (const id of ["a", "b"]) await there.send(id);
  const done = await there.cancel("a", "b", "--session", "s", "--reason", "not needed");
  assert.deepEqual([done.code, done.stderr, done.stdout], [
    0,
    "",
    "✓ a cancelled: it was waiting, and is removed from the queue (session s, role r, sequence 1)\n" +
    "✓ b cancelled: it was waiting, and is removed from the queue (session s, role r, sequence 2)\n",
  ]);
  const again = await there.cancel("a");
  assert.deepEqual([again.code, again.stderr], [
    1,
    "error: a was cancelled already; nothing was cancelled (session s, role r, sequence 1)\n",
  ]);
  const trace = await there.cli("trace", "a");
  assert.match(trace.stdout, /^a {2}cancelled\n[^]*cancelled +not needed/);
  const events = await there.cli("tail", "events", "--no-follow");
  assert.match(events.stdout, /work\.cancelled +#1 a role=r reason="not needed"\n/);
  const results = await there.cli("tail", "results", "--session", "s", "--no-follow");
  assert.match(results.stdout, /✗ error a not needed \(cancelled\)/);
});

Deno.test("the receipt names the agent that had it, and whether it is told to stop", async () => {
  await using there = await scene();
  const { send, cancel } = there;
  const agent = await there.agent({ agentId: "v1-agent", v1: true });
  const sequence = await send("a");
  await agent.gets(1);
  const told = await cancel("--sequence", `${sequence}`);
  assert.equal(told.code, 0, told.stderr);
  assert.match(
    told.stdout,
    /^✓ a cancelled: agent v1-agent \(relay relay-\w+\) had it, attempt 1, and is told to stop \(/,
  );
  await agent.hears("relay.cancel");
  await agent.close();
  const plain = await there.agent({ agentId: "plain-agent", v1: false });
  await send("b");
  await plain.gets(1);
  const json = await cancel("b", "--json");
  assert.equal(json.code, 0, json.stderr);
  const { holder: { relay_id, ...holder }, ...receipt } = JSON.parse(json.stdout);
  assert.match(relay_id, /^relay-/);
  assert.deepEqual([receipt, holder], [
    {
      ...{ asked: "b", kind: "cancelled", work_sequence: 2, session_id: "s", role: "r" },
      ...{ id: "b", was: "in_hand" },
    },
    { agent_id: "plain-agent", attempt: 1, told: false, away: false },
  ]);
});

Deno.test("whoever waits for the result of work that is cancelled is told, and fails", async () => {
  await using there = await scene();
  const waiting = there.cli(
    ...["send", "work", "--session", "s", "--role", "r", "--id", "a", "--message", "x", "--wait"],
  );
  await until(async () => (await there.cancel("a", "--reason", "not needed")).code === 0);
  const { code, stdout, stderr } = await waiting;
  assert.equal(code, 1);
  assert.match(stdout + stderr, /not needed/);
});

Deno.test("what cannot be cancelled is told apart: finished, ambiguous, unknown", async () => {
  await using there = await scene();
  const { send, cancel } = there;
  const agent = await there.agent({ agentId: "agent-1", v1: true });
  await send("done");
  agent.answer(await agent.gets(1), { fine: true });
  const finished = await until(async () => {
    const { code, stderr } = await cancel("done", "--session", "s");
    return code === 1 && stderr;
  });
  assert.match(finished, /^error: done is done already: it has a result; nothing was cancelled/);
  await agent.close();
  const one = await send("same");
  const other = await send("same", "t");
  const both = await cancel("same");
  assert.equal(both.code, 1);
  assert.equal(both.stdout, "");
  assert.match(both.stderr, /^error: 2 pieces of work with the id same have no outcome yet;/);
  for (const [sequence, session] of [[one, "s"], [other, "t"]] as const) {
    assert.match(both.stderr, new RegExp(`--sequence ${sequence} +\\(session ${session}, role r`));
  }
  const unknown = await cancel("nothing", "same", "--session", "t");
  assert.equal(unknown.code, 1, "one of two failed");
  assert.match(
    unknown.stderr,
    /^error: nothing is known of work with the id "nothing" in session t/,
  );
  assert.match(unknown.stdout, /^✓ same cancelled/);
  const json = await cancel("nothing", "same", "done", "--json");
  const kinds = json.stdout.trim().split("\n").map((line) => JSON.parse(line).kind);
  assert.deepEqual([json.code, json.stderr, kinds], [1, "", ["unknown", "cancelled", "finished"]]);
});
