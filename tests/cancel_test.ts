/** Cancelling work, wherever it is. */
import assert from "node:assert/strict";
import { headers } from "@nats-io/nats-core";
import { readStored } from "@ourocodus/bus";
import { cancelWork, sessionSummary, traceWork } from "@ourocodus/ops";
import { type CancelNotice, RELAYS_WORK_CANCEL_SUBJECT, WORK_STREAM } from "@ourocodus/protocol";
import {
  BusClient,
  isRunning,
  ROOT,
  runCli,
  SocketAgent,
  startNats,
  startProcess,
  startRelay,
  until,
} from "./support/mod.ts";

const WORK = { session: "s", role: "r" };

Deno.test("waiting work that is cancelled is in no agent's hands any more, and has an error result", async () => {
  await using nats = await startNats();
  await using client = await BusClient.connect(nats.url);
  {
    await using _relay = await startRelay({ natsUrl: nats.url });
  }
  const sequence = await client.send("s", "r", "w");
  const done = await cancelWork(client.connection, { id: "w" }, { reason: "not needed" });
  assert.deepEqual(done, {
    kind: "cancelled",
    work: { work_sequence: sequence, session_id: "s", role: "r", id: "w" },
    was: "waiting",
    holder: null,
  });
  assert.equal(await client.waiting(), 0);
  const [result] = await client.results("s");
  assert.equal(result?.message.type, "error");
  assert.deepEqual(result?.message.payload, {
    code: "cancelled",
    message: "not needed",
    session_id: "s",
    role: "r",
  });
  await using relay = await startRelay({ natsUrl: nats.url });
  await using agent = await SocketAgent.connect({ relayUrl: relay.url, ...WORK });
  await client.send("s", "r", "next");
  assert.equal((await agent.gets(1)).id, "next");
  const [trace] = await traceWork(client.connection, { id: "w" });
  assert.deepEqual([trace?.state, trace?.history.map(({ type }) => type)], [
    "cancelled",
    ["work.stored", "work.cancelled"],
  ]);
  const summary = await sessionSummary(client.connection, "s");
  assert.deepEqual([summary?.done, summary?.failed, summary?.cancelled], [0, 0, 1]);
  const again = await cancelWork(client.connection, { id: "w" });
  assert.deepEqual([again.kind, again.kind === "finished" && again.state], [
    "finished",
    "cancelled",
  ]);
  assert.equal((await client.results("s")).length, 1);
});

for (const v1 of [true, false]) {
  Deno.test(`work in the hands of a ${v1 ? "v1" : "plain"} agent is cancelled, and its result refused`, async () => {
    await using nats = await startNats();
    await using relay = await startRelay({ natsUrl: nats.url });
    await using client = await BusClient.connect(nats.url);
    const options = { relayUrl: relay.url, ...WORK, agentId: "a", v1 };
    await using agent = await SocketAgent.connect(options);
    const sequence = await client.send("s", "r", "w");
    const work = await agent.gets(1);
    const done = await cancelWork(client.connection, { workSequence: sequence });
    assert(done.kind === "cancelled");
    const { relay_id, ...holder } = done.holder ?? { relay_id: "" };
    assert.match(relay_id, /^relay-/);
    assert.deepEqual([done.was, holder], ["in_hand", {
      ...{ agent_id: "a", attempt: 1, told: v1, away: false },
    }]);
    if (v1) {
      const { payload } = await agent.hears("relay.cancel");
      assert.deepEqual(payload, { lease: work.lease, reason: "cancelled" });
    }
    agent.answer(work, { late: true });
    await until(async () => (await client.events("s", "result.duplicate")).length === 1, {
      message: "the refused result to be recorded",
    });
    if (v1) {
      const { payload } = await agent.hears("relay.error");
      assert.deepEqual([payload.code, payload.message], ["duplicate", "the work was cancelled"]);
    }
    // Its slot is free again.
    await client.send("s", "r", "next");
    assert.equal((await agent.gets(2)).id, "next");
    assert.equal((await client.results("s")).length, 1);
    assert.equal(await client.waiting(), 1);
  });
}

Deno.test("of two at once, a result and a cancellation, one is the outcome and the other is told", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  await using agent = await SocketAgent.connect({
    ...{ relayUrl: relay.url, ...WORK, v1: true, confirm: true },
    onWork: (work, agent) => agent.answer(work),
  });
  const kinds = new Set<string>();
  for (let n = 0; n < 20; n++) {
    const sequence = await client.send("s", "r", `w-${n}`);
    const done = await cancelWork(client.connection, { workSequence: sequence });
    kinds.add(done.kind);
    const results = await client.hasResults("s", n + 1);
    const result = results.find(({ message }) => message.id === `w-${n}`);
    assert.equal(result?.message.type, done.kind === "cancelled" ? "error" : "result");
  }
  await until(async () => await client.waiting() === 0, { message: "the queue to be empty" });
  assert.equal((await client.results("s")).length, 20);
  assert(kinds.size > 0);
  assert.equal(agent.works.length <= 20, true);
});

Deno.test("when relays are told that work is cancelled, nobody can be handed it any more", async () => {
  await using nats = await startNats();
  await using client = await BusClient.connect(nats.url);
  {
    await using _relay = await startRelay({ natsUrl: nats.url });
  }
  const sequence = await client.send("s", "r", "w");
  const queued: Promise<number>[] = [];
  // Another relay may be handed it while its outcome is being stored.
  client.connection.nats.subscribe(RELAYS_WORK_CANCEL_SUBJECT, {
    callback: (_, message) => {
      if (message.json<CancelNotice>().phase === "done") queued.push(client.waiting());
    },
  });
  const done = await cancelWork(client.connection, { workSequence: sequence });
  assert.equal(done.kind, "cancelled");
  assert.deepEqual(await Promise.all(queued), [0]);
});

Deno.test("work of an agent that is away is cancelled, which it hears when it comes back", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  const options = { relayUrl: relay.url, ...WORK, agentId: "a", v1: true };
  const away = await SocketAgent.connect(options);
  const sequence = await client.send("s", "r", "w");
  const work = await away.gets(1);
  await away.close();
  const done = await cancelWork(client.connection, { workSequence: sequence });
  assert.deepEqual(done.kind === "cancelled" && [done.was, done.holder?.told, done.holder?.away], [
    "in_hand",
    false,
    true,
  ]);
  await using back = await SocketAgent.connect(options);
  const leases = [work.lease];
  back.send(JSON.stringify({ id: "resume", type: "resume", payload: { leases } }));
  const { payload } = await back.hears("relay.cancel");
  assert.equal(payload.lease, work.lease);
});

Deno.test("work of an agent whose relay was killed is not said to have waited, and another relay tells it", async () => {
  await using nats = await startNats();
  await using client = await BusClient.connect(nats.url);
  await using relay = await startRelay({ natsUrl: nats.url });
  const options = { ...WORK, agentId: "a", v1: true };
  await using orphan = await SocketAgent.connect({ ...options, relayUrl: relay.url });
  const sequence = await client.send("s", "r", "w");
  const work = await orphan.gets(1);
  await until(async () => (await client.events("s", "work.offered")).length === 1);
  await relay.kill();
  const done = await cancelWork(client.connection, { workSequence: sequence });
  assert.deepEqual(done.kind === "cancelled" && [done.was, done.holder], ["in_hand", null]);
  await using other = await startRelay({ natsUrl: nats.url });
  await using back = await SocketAgent.connect({ ...options, relayUrl: other.url });
  const payload = { leases: [work.lease] };
  back.send(JSON.stringify({ id: "resume", type: "resume", payload }));
  assert.equal((await back.hears("relay.cancel")).payload.lease, work.lease);
  back.answer(work, { late: true });
  assert.equal((await back.hears("relay.error")).payload.message, "the work was cancelled");
  assert.equal((await client.results("s")).length, 1);
});

Deno.test("an id of several work items is not guessed at, an unknown one is unknown", async () => {
  await using nats = await startNats();
  await using client = await BusClient.connect(nats.url);
  {
    await using _relay = await startRelay({ natsUrl: nats.url });
  }
  await client.send("s", "r", "same");
  await client.send("t", "r", "same");
  const both = await cancelWork(client.connection, { id: "same" });
  assert.deepEqual(both.kind === "ambiguous" && both.works.map(({ session_id }) => session_id), [
    "t",
    "s",
  ]);
  const one = await cancelWork(client.connection, { id: "same" }, { session: "t" });
  assert.equal(one.kind, "cancelled");
  assert.deepEqual(await cancelWork(client.connection, { id: "none" }), { kind: "unknown" });
  assert.equal(await client.waiting(), 1);
});

Deno.test("the command of an exec agent and all that it has started end when its work is cancelled, and its slot is free", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  // What ignores a polite end is killed.
  const script = `trap "" TERM
if [ "$(cat)" = stay ]; then sleep 1000 & echo $$ $! >&2; wait; sleep 1000; else echo went on; fi`;
  const where = ["--session", "s", "--role", "r", "--relay", relay.url, "--kill-after", "50ms"];
  await using agent = startProcess(
    Deno.execPath(),
    ["run", "-A", `${ROOT}/agent/main.ts`, "exec", ...where, "--", "sh", "-c", script],
    { name: "exec agent", env: { SESSION_ID: "", ROLE: "", RELAY_URL: "" } },
  );
  await client.send("s", "r", "w", "stay");
  const [told] = await until(async () => {
    const progress = await client.events("s", "progress");
    return progress.length > 0 && progress;
  }, { message: "the command's process ids" });
  const pids = String(told?.message.payload.message).split(" ").map(Number);
  assert.equal(pids.length, 2);
  for (const pid of pids) assert.equal(await isRunning(pid), true);
  const args = ["work", "cancel", "w", "--reason", "not needed"];
  const { code, stdout } = await runCli(args, { natsUrl: nats.url });
  assert.equal(code, 0, stdout);
  assert.match(
    stdout,
    /^✓ w cancelled: it was running at agent .*, attempt 1, which is told to stop/,
  );
  for (const pid of pids) {
    await until(async () => !await isRunning(pid), { message: `the end of ${pid}` });
  }
  await client.send("s", "r", "next", "go");
  const [cancelled, next] = await client.hasResults("s", 2);
  assert.deepEqual(
    [cancelled?.message.type, cancelled?.message.payload.code, cancelled?.message.payload.message],
    ["error", "cancelled", "not needed"],
  );
  assert.deepEqual([next?.message.id, next?.message.payload.output], ["next", "went on\n"]);
  assert.equal((await agent.stop()).code, 0);
  assert.equal((await client.results("s")).length, 2, "what was cancelled has one outcome");
});

Deno.test("work whose identity other work has taken for its own is cancelled anyway", async () => {
  await using nats = await startNats();
  await using client = await BusClient.connect(nats.url);
  const sequence = await client.send("s", "r", "w");
  const stored = await readStored(client.connection, WORK_STREAM, sequence);
  const header = headers();
  header.set("Nats-Msg-Id", `${sequence}.${stored?.timeNs}`);
  client.connection.nats.publish("sessions.t.work.r", "{}", { headers: header });
  await until(async () => await client.waiting() === 2);
  const done = await cancelWork(client.connection, { id: "w" });
  assert.equal(done.kind, "cancelled");
  assert.equal((await client.results("s"))[0]?.message.payload.code, "cancelled");
  assert.equal(await client.waiting(), 1);
  const [trace] = await traceWork(client.connection, { id: "w" });
  assert.equal(trace?.state, "cancelled");
});
