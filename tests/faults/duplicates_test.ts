/**
 * Ids that come twice, of work and of results.
 *
 * @module
 */
import assert from "node:assert/strict";
import { headers } from "@nats-io/nats-core";
import { workMessageId } from "@ourocodus/ops";
import { formatMessage, workSubject } from "@ourocodus/protocol";
import { startAgent } from "../support/mod.ts";
import { faultTest } from "./support/fault.ts";
import { Scene } from "./support/scene.ts";

const SLOW = { timeoutMs: 60_000 };

faultTest("duplicate ids with the same payload", async (fault) => {
  await using scene = await Scene.start();
  fault.strikes();
  // Sent again because its sender was not sure: the same piece of work.
  const first = await scene.send("w", { n: 1 });
  const second = await scene.send("w", { n: 1 });
  assert.equal(second, first);
  await using agent = await scene.agent({ v1: true });
  await scene.answered(1);
  const balance = await fault.closes(scene.books);
  assert.equal(balance.acknowledged, 1);
  assert.equal(agent.works.length, 1);
  fault.note("one piece of work, if it comes by the CLI, the API or with the same Nats-Msg-Id");
});

faultTest("duplicate ids with different payloads", async (fault) => {
  await using scene = await Scene.start();
  const { session, role, client, books } = scene;
  await using plain = await scene.agent({ concurrency: 4, onWork: () => {} });
  fault.strikes();
  // As any NATS client may: without Nats-Msg-Id, each is a piece of work of its own.
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
  fault.note("each is a piece of work with a result of its own");
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

faultTest("an agent that gives work back twice and then does it", async (fault) => {
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
