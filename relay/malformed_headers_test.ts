import assert from "node:assert/strict";
import { workSubject } from "@ourocodus/protocol";
import { TestRelay } from "./testing/test_relay.ts";

/** What nobody can read, and what only a server may say. */
const HEADERS = [
  "NATS/1.0\r\nNo Name: v\r\nÜ: 1\r\n\r\n",
  "NATS/1.0\r\nNats-Sequence: 99\r\nNats-Subject: x\r\nNats-Time-Stamp: 2020-01-01T00:00:00Z\r\n\r\n",
];

const UTF8 = new TextEncoder();

Deno.test("work is answered, given up on and looked up whatever its headers are", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 2 } });
  const publish = (text: string, headers: string): void => {
    const all = UTF8.encode(headers + text);
    const sizes = `${UTF8.encode(headers).length} ${all.length}`;
    const command = UTF8.encode(`HPUB ${workSubject("s", "r")} ${sizes}\r\n`);
    test.client.write(command, all, UTF8.encode("\r\n"));
  };
  for (const headers of HEADERS) publish("", headers);
  const agent = test.agent({ v1: true });
  await test.hasResults(HEADERS.length);
  await test.hasWaiting(0);
  assert.deepEqual((await test.log("dead")).map(({ text }) => text), ["", ""]);
  let count = 0;
  for (const [index, headers] of HEADERS.entries()) {
    publish(`{"id":"dies-${index}","type":"work","payload":{}}`, headers);
    agent.say("retry", await agent.hasWork(++count), {});
    agent.say("retry", await agent.hasWork(++count), {});
    publish(`{"id":"lives-${index}","type":"work","payload":{}}`, headers);
    agent.say("retry", await agent.hasWork(++count), {});
    agent.say("result", await agent.hasWork(++count), {});
  }
  await test.hasWaiting(0);
  const dead = (await test.log("dead")).slice(HEADERS.length).map(({ text }) =>
    JSON.parse(text).id
  );
  assert.deepEqual(dead, ["dies-0", "dies-1"]);
  const results = (await test.results()).slice(HEADERS.length).map((text) => JSON.parse(text));
  // An error result waits for its dead letter to be stored, so another's result may overtake it.
  assert.deepEqual(results.map(({ id, type }) => `${type} ${id}`).sort(), [
    "error dies-0",
    "error dies-1",
    "result lives-0",
    "result lives-1",
  ]);
});
