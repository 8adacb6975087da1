/**
 * Where is a work item? Asked in each state that it can be in, of real processes.
 */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type Connection, ensureStreams } from "@ourocodus/bus";
import {
  deadLetters,
  pendingWork,
  retryWork,
  sendWork,
  sessionSummary,
  traceWork,
  type WorkTrace,
} from "@ourocodus/ops";
import {
  runCli,
  SocketAgent,
  startEchoAgent,
  startNats,
  startRelay,
  until,
} from "./support/mod.ts";

const WORK = { session: "s", role: "r" };

async function send(connection: Connection, id: string, payload: object = {}): Promise<number> {
  return (await sendWork(connection, { ...WORK, id, payload })).sequence;
}

/** The newest trace of an id, once it is in a state, and so many steps are recorded. */
async function trace(
  connection: Connection,
  id: string,
  state: WorkTrace["state"],
  steps = 0,
): Promise<WorkTrace> {
  return await until(async () => {
    const [newest] = await traceWork(connection, { id });
    return newest?.state === state && newest.history.length >= steps && newest;
  }, { message: `${id} to be ${state}` });
}

function types({ history }: WorkTrace): string[] {
  return history.map(({ type }) => type);
}

Deno.test("a trace tells of work that waits, runs, is handed out again and is done", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const sequence = await send(connection, "a", { n: 1 });
  const waiting = await trace(connection, "a", "waiting");
  assert.equal(waiting.work_sequence, sequence);
  assert.deepEqual(waiting.message, { id: "a", type: "work", payload: { n: 1 } });
  assert.match(waiting.note ?? "", /^no relay is running: /);
  assert.deepEqual([types(waiting), waiting.attempts, waiting.result], [["work.stored"], 0, null]);
  assert.equal((await pendingWork(connection, "s")).items[0]?.state, "waiting");

  await using relay = await startRelay({ natsUrl: nats.url, env: { LEASE_GRACE_SECONDS: "0.2" } });
  const first = await SocketAgent.connect({ relayUrl: relay.url, ...WORK, agentId: "first" });
  await first.gets(1);
  const running = await trace(connection, "a", "in_hand", 2);
  assert.deepEqual([running.agent_id, running.attempts], ["first", 1]);
  assert.deepEqual(types(running), ["work.stored", "work.offered"]);
  const [pending] = (await pendingWork(connection, "s")).items;
  assert.deepEqual([pending?.state, pending?.agent_id, pending?.attempt], ["in_hand", "first", 1]);

  await first.close();
  await using second = await SocketAgent.connect({
    relayUrl: relay.url,
    ...WORK,
    agentId: "second",
  });
  const work = await second.gets(1);
  const again = await until(async () => {
    const now = await trace(connection, "a", "in_hand", 4);
    return now.agent_id === "second" && now;
  }, { message: "the second agent to have it" });
  assert.equal(again.attempts, 2);
  assert.deepEqual(types(again), [
    "work.stored",
    "work.offered",
    "work.returned",
    "work.redelivered",
  ]);

  second.answer(work, { percent: 50 }, "progress");
  second.answer(work, { answer: 42 });
  const done = await trace(connection, "a", "done");
  assert.deepEqual(done.result?.payload, { answer: 42 });
  assert.deepEqual(types(done).slice(-2), ["progress", "result"]);
  assert.deepEqual(done.message?.payload, { n: 1 }, "what was asked for is known afterwards, too");
  const summary = await sessionSummary(connection, "s");
  assert.deepEqual([summary?.done, summary?.waiting, summary?.in_hand], [1, 0, 0]);
});

Deno.test("a trace tells of work that failed, is dead, and was sent again", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await using relay = await startRelay({ natsUrl: nats.url, env: { MAX_DELIVER: "2" } });
  await using agent = await SocketAgent.connect({ relayUrl: relay.url, ...WORK, agentId: "x" });
  await send(connection, "bad");
  agent.answer(await agent.gets(1), { code: "broken", message: "no luck" }, "error");
  const failed = await trace(connection, "bad", "failed");
  assert.deepEqual(failed.history.at(-1)?.reason, "broken");

  await send(connection, "poison");
  for (let attempt = 1; attempt <= 2; attempt++) {
    agent.answer(await agent.gets(1 + attempt), {}, "retry");
  }
  const dead = await until(async () => {
    return (await trace(connection, "poison", "dead")).dead_letter;
  }, { message: "a dead letter" });
  assert.deepEqual([dead.reason, dead.attempts], ["max_deliver", 2]);
  const { history, result } = await trace(connection, "poison", "dead");
  assert.equal(result?.outcome, "dead");
  assert.deepEqual(
    history.filter(({ type }) => !/^work\.(stored|offered|redelivered|returned)$/.test(type)).map(
      ({ type, reason, attempt }) => [type, reason, attempt],
    ),
    [["work.dead", "max_deliver", 2]],
    "its end is one step",
  );
  const { items: [letter] } = await deadLetters(connection, "s");
  assert.equal(letter?.id, "poison");
  const workSequence = letter?.work_sequence ?? 0;
  const retry = () => retryWork(connection, { workSequence }, { session: "s" });
  // The slower one may find that it is done, or store it and be told that it was stored.
  const sequences = (await Promise.all([retry(), retry()])).map((done) =>
    "work" in done ? done.work.retried_as : null
  );
  assert.ok(sequences[0] && sequences[0] === sequences[1], "two at once store one");
  await agent.gets(4);
  const again = await trace(connection, "poison", "in_hand");
  assert.deepEqual([again.retry_of, again.retried_as], [workSequence, null]);
  const [, old] = await traceWork(connection, { id: "poison" });
  assert.deepEqual([old?.retry_of, old?.retried_as, old?.dead_letter?.requeued_as], [
    ...[null, again.work_sequence, again.work_sequence],
  ]);
  assert.equal((await retry()).kind, "already");
  assert.deepEqual((await deadLetters(connection, "s")).items, []);
  const whole = await deadLetters(connection, "s", { all: true, limit: 1 });
  assert.deepEqual([whole.items.length, whole.nextBefore], [1, null], "there is no next page");
  const summary = await sessionSummary(connection, "s");
  assert.deepEqual([summary?.failed, summary?.dead, summary?.in_hand], [1, 1, 1]);
});

Deno.test("nothing is claimed of an unknown id, and ids may be used again and be odd", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await using relay = await startRelay({ natsUrl: nats.url });
  assert.deepEqual(await traceWork(connection, { id: "none" }), []);
  assert.deepEqual(await traceWork(connection, { workSequence: 9 }), []);
  await using _echo = await startEchoAgent({ relayUrl: relay.url, ...WORK });
  const odd = 'ü "quoted" \\ 💡';
  const escaped = JSON.stringify({ id: odd, type: "work", payload: {} }).replace("ü", "\\u00fc");
  await sendWork(connection, { ...WORK, id: odd, text: escaped, messageId: "1" });
  await trace(connection, odd, "done");
  await sendWork(connection, { ...WORK, id: odd, text: escaped, messageId: "2" });
  const both = await until(async () => {
    const found = await traceWork(connection, { id: odd });
    return found.length === 2 && found.every(({ state }) => state === "done") && found;
  }, { message: "both" });
  assert.deepEqual(both.map(({ work_sequence }) => work_sequence), [2, 1]);
  assert.deepEqual(await traceWork(connection, { id: odd }, { role: "other" }), []);
  assert.deepEqual(await traceWork(connection, { id: odd }, { session: "other" }), []);
  const path = "repo/task";
  const slash = String.raw`{"id":"repo\/task","type":"work","payload":{}}`;
  await sendWork(connection, { ...WORK, id: path, text: slash });
  assert.equal((await trace(connection, path, "done")).work_sequence, 3);
  const [bySequence] = await traceWork(connection, { workSequence: 1 });
  assert.deepEqual([bySequence?.id, bySequence?.state], [odd, "done"]);
});

Deno.test("work without a copy is found in the queue, and work that was removed is gone", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const manager = await jetstreamManager(connection.nats);
  const text = '{"id":"lone","type":"work","payload":{}}';
  await sendWork(connection, {
    ...{ ...WORK, id: "lone", text },
    headers: { "Nats-Expected-Stream": "OUROCODUS_WORK" },
  });
  assert.equal((await trace(connection, "lone", "waiting")).work_sequence, 1);
  await send(connection, "removed");
  await trace(connection, "removed", "waiting");
  await manager.streams.deleteMessage("OUROCODUS_WORK", 2);
  assert.match((await trace(connection, "removed", "gone")).note ?? "", /removed by hand/);
});

Deno.test("of work whose relay was killed nobody says that its agent has let go of it", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await using relay = await startRelay({ natsUrl: nats.url });
  await using agent = await SocketAgent.connect({
    relayUrl: relay.url,
    ...WORK,
    agentId: "busy",
  });
  await send(connection, "a");
  await agent.gets(1);
  await trace(connection, "a", "in_hand", 2);
  await relay.kill();
  const { note } = await trace(connection, "a", "waiting", 2);
  assert.match(
    note ?? "",
    /^no relay answers, so it is not known whether agent busy, .* is still /,
  );
  await using next = await startRelay({ natsUrl: nats.url });
  await until(async () => {
    const [newest] = await traceWork(connection, { id: "a" });
    return /^agent busy, .* is not connected and may still be working on it: /
      .test(newest?.note ?? "");
  }, { message: "the next relay to say that it has no such agent" });
  const { stdout } = await runCli(["trace", "a"], { natsUrl: nats.url });
  assert.match(stdout, /^a {2}handed to agent busy, attempt 1; no relay says it has it\nsession/);
  await using back = await SocketAgent.connect({ relayUrl: next.url, ...WORK, agentId: "busy" });
  await until(async () => {
    const [newest] = await traceWork(connection, { id: "a" });
    return /^agent busy, .* does not have it any more; /.test(newest?.note ?? "");
  });
  assert.deepEqual(back.works, []);
});
