import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { SETTINGS_STREAM } from "@ourocodus/protocol";
import { startNats, until } from "../tests/support/mod.ts";
import { connect, type Connection } from "./connection.ts";
import { changeSetting, followSettings, keptSettings } from "./kept_settings.ts";
import { ensureStreams } from "./streams.ts";

const texts = async (connection: Connection, subject = "settings.a.>") =>
  (await keptSettings(connection, subject)).map(({ subject, text }) => [subject, text]);

Deno.test("of a setting the newest text is kept, and of a removed one nothing", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  assert.deepEqual(await texts(connection), []);
  assert.equal(await changeSetting(connection, "settings.a.x", "1"), true);
  await changeSetting(connection, "settings.a.y", "2");
  await changeSetting(connection, "settings.b.x", "other");
  await changeSetting(connection, "settings.a.x", "3");
  assert.deepEqual(await texts(connection), [["settings.a.y", "2"], ["settings.a.x", "3"]]);
  await changeSetting(connection, "settings.a.y", "");
  assert.deepEqual(await texts(connection), [["settings.a.x", "3"]]);
});

Deno.test("a setting that somebody else has changed meanwhile is not overwritten", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const set = (text: string, expected: number) =>
    changeSetting(connection, "settings.a.x", text, { expected });
  assert.equal(await set("1", 0), true);
  assert.equal(await set("2", 0), false);
  const [first] = await keptSettings(connection, "settings.a.x");
  assert.ok(first);
  const both = await Promise.all([set("3", first.sequence), set("4", first.sequence)]);
  assert.deepEqual(both.toSorted(), [false, true]);
});

Deno.test("who follows settings gets all, then each change and removal, also after NATS was away", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await changeSetting(connection, "settings.a.x", "1");
  const ending = new AbortController();
  const heard: string[] = [];
  const following = (async () => {
    for await (const some of followSettings(connection, "settings.a.>", ending.signal)) {
      heard.push(`[${some.map(({ text }) => text).join()}]`);
    }
  })();
  await until(() => heard.length === 1);
  await changeSetting(connection, "settings.a.y", "2");
  await until(() => heard.length === 2);
  await nats.restart();
  await until(() => connection.connected);
  await until(() => changeSetting(connection, "settings.a.x", "").catch(() => false));
  await until(() => heard.length >= 3);
  assert.deepEqual(heard.slice(0, 3), ["[1]", "[2]", "[]"]);
  ending.abort();
  await following;
});

Deno.test("who follows settings hears it as an error that their stream is gone", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const ending = new AbortController();
  const following = followSettings(connection, "settings.a.>", ending.signal);
  await following.next();
  const next = following.next();
  const { streams } = await jetstreamManager(connection.nats);
  await streams.delete(SETTINGS_STREAM);
  await assert.rejects(next, /^StreamError: Cannot read stream OUROCODUS_SETTINGS .*not found/);
});
