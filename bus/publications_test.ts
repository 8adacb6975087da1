import type { Msg } from "@nats-io/nats-core";
import assert from "node:assert/strict";
import { startNats, until } from "../tests/support/mod.ts";
import { connect } from "./connection.ts";
import { byteLength } from "@ourocodus/protocol";
import { Publications } from "./publications.ts";

/** Publishes, and returns what a subscriber gets. */
async function published(fill: (publications: Publications) => number): Promise<Msg[]> {
  await using nats = await startNats({ jetstream: false });
  await using connection = await connect({ url: nats.url });
  const received: Msg[] = [];
  connection.nats.subscribe("test.>", { callback: (_error, msg) => void received.push(msg) });
  const publications = new Publications(connection);
  const count = fill(publications);
  publications.send();
  await until(() => received.length === count, { message: `${count} messages` });
  return received;
}

Deno.test("text arrives as it is, whatever characters are in it", async () => {
  const texts = ["", "plain", "two\r\nlines\r\n", "ü, 日本, 👋", "lone \ud800 surrogate", "\0"];
  const received = await published((publications) => {
    texts.forEach((text, index) => publications.add(`test.${index}`, text));
    return texts.length;
  });
  const expected = texts.map((text) => text.toWellFormed());
  assert.deepEqual(received.map((msg) => msg.string()), expected);
  assert.deepEqual(received.map((msg) => msg.subject), texts.map((_, index) => `test.${index}`));
});

Deno.test("replies and headers arrive with their message", async () => {
  const [first, second] = await published((publications) => {
    const headers = "NATS/1.0\r\nWhy: über\r\n\r\n";
    publications.add("test.a", "ü", { headers, reply: "test.reply" });
    publications.add("test.b", "b", { reply: "test.other" });
    return 2;
  });
  assert.equal(first?.string(), "ü");
  assert.equal(first.headers?.get("Why"), "über");
  assert.equal(first.reply, "test.reply");
  assert.equal(second?.reply, "test.other");
  assert.equal(second.headers, undefined);
});

Deno.test("text and bytes keep their order, also beyond one piece", async () => {
  const bytes = Uint8Array.of(0xff, 0, 0x0d, 0x0a);
  const long = "x".repeat(50_000);
  const received = await published((publications) => {
    for (let round = 0; round < 5; round++) {
      publications.add("test.text", `${round} ${long}`);
      publications.add("test.bytes", bytes, { headers: "NATS/1.0\r\nA: b\r\n\r\n" });
    }
    return 10;
  });
  received.forEach((msg, index) => {
    if (index % 2 === 1) assert.deepEqual([...msg.data], [...bytes]);
    else assert.equal(msg.string(), `${index / 2} ${long}`);
  });
});

Deno.test("the length of text is that of its UTF-8", () => {
  for (const text of ["", "abc", "ü", "日本", "👋", "\ud800", "a\ud800b👋"]) {
    assert.equal(byteLength(text), new TextEncoder().encode(text).length, text);
  }
});
