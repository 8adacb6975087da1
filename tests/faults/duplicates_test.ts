/**
 * Ids that come twice, of work and of results.
 *
 * @module
 */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { FENCE } from "@ourocodus/bus";
import { cancelWork, workMessageId } from "@ourocodus/ops";
import {
  eventsSubject,
  formatMessage,
  LOG_STREAM,
  resultsSubject,
  workSubject,
} from "@ourocodus/protocol";
import { SocketAgent, startAgent, until, workItems } from "../support/mod.ts";
import { faultTest } from "./support/fault.ts";
import { Scene } from "./support/scene.ts";

const SLOW = { timeoutMs: 60_000 };

faultTest("duplicate ids with the same payload", async (fault) => {
  await using scene = await Scene.start();
  fault.strikes();
  // Sent again because its sender was not sure: the same work item.
  const first = await scene.send("w", { n: 1 });
  const second = await scene.send("w", { n: 1 });
  assert.equal(second, first);
  await using agent = await scene.agent({ v1: true });
  await scene.answered(1);
  const balance = await fault.closes(scene.books);
  assert.equal(balance.acknowledged, 1);
  assert.equal(agent.works.length, 1);
  fault.note("one work item, if it comes by the CLI, the API or with the same Nats-Msg-Id");
});

faultTest("duplicate ids with different payloads", async (fault) => {
  await using scene = await Scene.start();
  const { session, role, client, books } = scene;
  await using plain = await scene.agent({ concurrency: 4, onWork: () => {} });
  fault.strikes();
  // As any NATS client may: without Nats-Msg-Id, each is a work item of its own.
  for (const n of [1, 2, 3]) {
    const subject = workSubject(session, role);
    const text = formatMessage("same", "work", { n });
    const { seq } = (await client.connection.nats.request(subject, text)).json<{ seq: number }>();
    books.book({ session, role, id: "same", sequence: seq });
  }
  // A plain agent could not tell them apart, so it has one of them at a time.
  for (const n of [1, 2, 3]) {
    const work = await plain.gets(n);
    assert.equal(plain.works.length, n);
    plain.answer(work, { answered: work.payload.n });
    await scene.answered(n);
  }
  await fault.closes(books);
  const results = await client.results(session);
  assert.deepEqual(results.map(({ message }) => message.payload.answered).sort(), [1, 2, 3]);
  fault.note("each is a work item with a result of its own");
});

faultTest("duplicate Nats-Msg-Id with a different payload", async (fault) => {
  await using scene = await Scene.start();
  const { session, role, client } = scene;
  await scene.send("w", { n: 1 });
  fault.strikes();
  const header = headers();
  header.set("Nats-Msg-Id", workMessageId(session, role, "w"));
  const reply = await client.connection.nats.request(
    workSubject(session, role),
    formatMessage("w", "work", { n: 2 }),
    { headers: header, timeout: 10_000 },
  );
  assert.equal(reply.json<{ duplicate: boolean }>().duplicate, true);
  await using agent = await scene.agent({ v1: true });
  await scene.answered(1);
  await fault.closes(scene.books);
  assert.deepEqual(agent.works.map(({ payload }) => payload), [{ n: 1 }]);
  fault.note("the first one counts; the sender of the second is told that it is a duplicate");
});

faultTest("a result sent twice", async (fault) => {
  await using scene = await Scene.start();
  const { session } = scene;
  await using agent = await scene.agent({ v1: true, onWork: () => {} });
  await scene.send("w");
  const work = await agent.gets(1);
  fault.strikes();
  agent.answer(work, { n: 1 });
  agent.answer(work, { n: 2 });
  assert.equal((await agent.hears("relay.error")).payload.code, "duplicate");
  await scene.answered(1);
  await fault.closes(scene.books);
  const results = await scene.client.results(session);
  assert.deepEqual(results.map(({ message }) => message.payload), [{ n: 1 }]);
  fault.note("the first one counts; the agent is told");
});

/** Counts what subscribers hear of a scene's outcomes. */
async function countHeard({ client, session }: Scene): Promise<() => number> {
  const heard = client.connection.nats.subscribe(resultsSubject(session, "*"));
  await client.connection.nats.flush();
  return () => heard.getReceived();
}

/** An hour is 30 times the window in which the log knows a `Nats-Msg-Id` again; here it is short. */
const WINDOWS = 30;
const WINDOW_MS = 100;

faultTest("a second outcome an hour later", async (fault) => {
  await using scene = await Scene.start();
  const { session, role, client } = scene;
  const { nats } = client.connection;
  const manager = await jetstreamManager(nats);
  await manager.streams.update(LOG_STREAM, { duplicate_window: WINDOW_MS * 1e6 });
  const heard = await countHeard(scene);
  const v1 = { v1: true, agentId: "late", onWork: () => {} };
  await using agent = await scene.agent(v1);
  const sequence = await scene.send("w");
  const work = await agent.gets(1);
  agent.answer(work, { n: 1 });
  await scene.answered(1);
  const [first] = await client.results(session);
  const stores = async (subject: string, text: string, lines: Record<string, string>) => {
    const header = headers();
    for (const [name, value] of Object.entries(lines)) header.set(name, value);
    const reply = await nats.request(subject, text, { headers: header, timeout: 10_000 });
    return reply.json<{ error?: { err_code: number }; duplicate?: boolean }>();
  };
  const event = formatMessage("e", "test", {});
  const once = { "Nats-Msg-Id": "once" };
  assert.equal((await stores(eventsSubject(session), event, once)).duplicate, undefined);
  fault.strikes();
  await new Promise((resolve) => setTimeout(resolve, WINDOWS * WINDOW_MS));
  // The log has forgotten which ids it has, and no program is left that remembers the outcome.
  assert.equal((await stores(eventsSubject(session), event, once)).duplicate, undefined);
  const { config } = await manager.streams.info(LOG_STREAM);
  assert.equal(config.duplicate_window, WINDOW_MS * 1e6);
  await scene.relay.stop();
  await scene.restart(0);
  // The agent has kept its lease and answers once more, at a relay that knows nothing of it.
  await using late = await scene.agent(v1);
  late.answer(work, { n: 2 });
  assert.equal((await late.hears("relay.error")).payload.code, "duplicate");
  // The stream alone refuses it, too.
  const text = formatMessage("w", "result", { n: 3 });
  const { error } = await stores(first?.subject ?? "", text, FENCE);
  assert.equal(error?.err_code, 10071);
  const done = await cancelWork(client.connection, { workSequence: sequence }, { session, role });
  assert.deepEqual([done.kind, done.kind === "finished" && done.state], ["finished", "done"]);
  await fault.closes(scene.books);
  assert.deepEqual((await client.results(session)).map(({ message }) => message.payload), [{
    n: 1,
  }]);
  assert.equal(heard(), 1);
  fault.note(
    "after 30 duplicate windows, at a new relay: refused while the log keeps the first; " +
      "subscribers never hear it",
  );
});

faultTest("two results race at two relays", async (fault) => {
  await using scene = await Scene.start({ relays: 2 });
  const { session, role, client, relays } = scene;
  const heard = await countHeard(scene);
  const ids = Array.from({ length: 8 }, (_, n) => `w${n}`);
  const v1 = { session, role, v1: true, concurrency: ids.length, onWork: () => {} };
  const [one, other] = relays.map(({ url }) => url);
  await using slow = await SocketAgent.connect({ ...v1, relayUrl: one ?? "", agentId: "slow" });
  for (const id of ids) await scene.send(id);
  await slow.gets(ids.length);
  fault.strikes();
  // It gets nothing more, and releases what it then answers anyway.
  slow.send(formatMessage("d", "drain", {}));
  const olds = [...slow.works];
  for (const work of olds) slow.answer(work, {}, "retry");
  await using fast = await SocketAgent.connect({ ...v1, relayUrl: other ?? "", agentId: "fast" });
  await fast.gets(ids.length);
  olds.forEach((old, index) => {
    slow.answer(old, { by: "slow" });
    fast.answer(fast.works[index] ?? old, { by: "fast" });
  });
  await scene.answered(ids.length);
  const balance = await fault.closes(scene.books);
  assert.equal(balance.answered, ids.length);
  await until(async () => {
    const events = await client.events(session, "result.duplicate");
    return events.flatMap(({ message }) => workItems(message)).length === ids.length;
  }, SLOW);
  assert.equal(heard(), ids.length);
  fault.note(
    "one outcome each; the other result is recorded as a duplicate, and its agent is told",
  );
});

faultTest("an agent that releases work twice and then does it", async (fault) => {
  await using scene = await Scene.start();
  const { session, role, relayUrl } = scene;
  await using agent = await startAgent({ relayUrl, session, role, agentId: "a" });
  fault.strikes();
  await scene.send("w", { ends: "retry" });
  await agent.waitForLine("finished w attempt 3", SLOW);
  await scene.answered(1);
  fault.goesOn();
  await fault.closes(scene.books);
  fault.note("the third attempt's result");
});
