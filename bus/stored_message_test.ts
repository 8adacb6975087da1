import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { eventsSubject, LOG_STREAM, outcomeSubject, WORK_STREAM } from "@ourocodus/protocol";
import { freePort, startCluster, startNats, until } from "../tests/support/mod.ts";
import { connect, type Connection } from "./connection.ts";
import { publishStored } from "./publish_ack.ts";
import { readNextOf, readStored, readSurelyLastOf } from "./stored_message.ts";
import { ensureStreams } from "./streams.ts";

async function store(connection: Connection, id: string, text = "{}"): Promise<void> {
  await publishStored(connection, outcomeSubject("s", "r", id), text, {
    headers: { "Nats-Msg-Id": id, "X-Own": "own" },
    stream: LOG_STREAM,
    timeoutMs: 5_000,
  });
}

Deno.test("in a cluster it is the leader that says whether a message is there", async () => {
  const config = `cluster { name: one, listen: "127.0.0.1:${freePort()}" }`;
  await using nats = await startNats({ jetstream: false, config });
  await using connection = await connect({ url: nats.url });
  await using server = await connect({ url: nats.url });
  // A replica that has not heard of the message yet, and the stream's leader.
  server.subscribe("$JS.API.DIRECT.GET.S", (_, msg) => {
    msg.respond("", { headers: headers(404, "Message Not Found") });
  });
  server.subscribe("$JS.API.STREAM.MSG.GET.S", (_, msg) => {
    const time = "2026-11-23T18:42:37.9201061Z";
    msg.respond(JSON.stringify({ message: { subject: "a", seq: 7, time, data: btoa("text") } }));
  });
  await server.nats.flush();
  const stored = await readStored(connection, "S", 7);
  assert.equal(new TextDecoder().decode(stored?.data), "text");
  assert.equal(stored?.timeNs, "1795459357920106100");
});

Deno.test("in a cluster a message is read as anywhere, with its headers, and no more if it is gone", async () => {
  await using cluster = await startCluster(3);
  await using connection = await connect({ url: cluster.url });
  await until(async () => await ensureStreams(connection, { replicas: 3 }).catch(() => undefined), {
    timeoutMs: 60_000,
    message: "the streams",
  });
  await assert.rejects(readStored(connection, "NONE", 1), /stream not found/);
  await store(connection, "7.1", "ü\0");
  const stored = await readStored(connection, LOG_STREAM, 1);
  const subject = outcomeSubject("s", "r", "7.1");
  // Any server may answer this, once it has the message.
  const direct = await until(() => readNextOf(connection, LOG_STREAM, subject, 0));
  assert.ok(stored);
  const { header, ...message } = stored;
  const { header: directHeader, ...directMessage } = direct;
  assert.deepEqual({ ...message, data: [...message.data] }, {
    ...directMessage,
    data: [...directMessage.data],
  });
  assert.deepEqual([header("X-Own"), header("Nats-Msg-Id")], ["own", "7.1"]);
  assert.equal(directHeader("X-Own"), "own");
  assert.equal((await readSurelyLastOf(connection, LOG_STREAM, subject))?.sequence, 1);
  assert.equal(await readStored(connection, LOG_STREAM, 2), undefined);
  assert.equal(await readSurelyLastOf(connection, WORK_STREAM, "sessions.s.work.r"), undefined);
  // The copy of a work item says of which.
  await publishStored(connection, "sessions.s.work.r", "{}", {
    headers: {},
    stream: WORK_STREAM,
    timeoutMs: 5_000,
  });
  const copy = await until(() => readStored(connection, LOG_STREAM, 2));
  assert.deepEqual([copy.subject, copy.originalSequence], ["sessions.s.stored.r", 1]);
});

Deno.test("a stored message is read with its subject, data and time; one that is gone is undefined", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const data = new TextEncoder().encode("ü\0");
  await connection.nats.request(eventsSubject("s"), data);
  const stored = await readStored(connection, LOG_STREAM, 1);
  const manager = await jetstreamManager(connection.nats);
  const known = await manager.streams.getMessage(LOG_STREAM, { seq: 1 });
  assert.equal(stored?.subject, eventsSubject("s"));
  assert.deepEqual([...(stored?.data ?? [])], [...data]);
  assert.equal(stored?.timeNs.slice(0, -6), String(known?.time.getTime()));
  assert.equal(stored?.timeNs.length, 19);
  assert.equal(await readStored(connection, LOG_STREAM, 2), undefined);
});
