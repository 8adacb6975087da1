import assert from "node:assert/strict";
import {
  ClosedConnectionError,
  NoRespondersError,
  PermissionViolationError,
  TimeoutError,
} from "@nats-io/nats-core";
import { startNats } from "../../tests/support/mod.ts";
import { connect } from "../connection.ts";
import { Publications } from "../publications.ts";

Deno.test("answers come to who has asked, whatever their headers and however many ask at once", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await using other = await connect({ url: nats.url });
  const answers = new Publications(other);
  other.subscribe("ask", (_, msg) => {
    // Without data, and with headers that are none.
    if (msg.string() === "odd") answers.add(msg.reply ?? "", "", { headers: "NATS/1.0\r\nÜ: 1" });
    else answers.add(msg.reply ?? "", `${msg.string()}!`);
    answers.send();
  });
  await other.nats.flush();
  const asked = ["a", "odd", "b", "odd", "c"];
  const got = await Promise.all(asked.map((text) => connection.request("ask", text, 5_000)));
  assert.deepEqual(got.map((answer) => answer.string()), ["a!", "", "b!", "", "c!"]);
});

Deno.test("a request that nobody hears, or that is not answered in time, fails", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await assert.rejects(connection.request("nobody", "", 5_000), NoRespondersError);
  connection.subscribe("mute", () => {});
  await assert.rejects(connection.request("mute", "", 50), TimeoutError);
});

Deno.test("closing the connection ends requests that are under way", async () => {
  await using nats = await startNats();
  const connection = await connect({ url: nats.url });
  connection.subscribe("mute", () => {});
  const asked = assert.rejects(connection.request("mute", "", 600_000), ClosedConnectionError);
  await connection.close();
  await asked;
});

Deno.test("a request that may not be made, or whose answer may not be heard, fails at once", async () => {
  const user = (name: string, what: string) =>
    `{ user: "${name}", password: "x", permissions: { ${what}: { deny: ">" } } }`;
  await using nats = await startNats({
    config: `authorization { users: [${user("mute", "publish")}, ${user("deaf", "subscribe")}] }\n`,
  });
  for (const user of ["mute", "deaf"]) {
    await using connection = await connect({ url: nats.url, user, password: "x" });
    await assert.rejects(connection.request("ask", "", 60_000), PermissionViolationError);
  }
});
