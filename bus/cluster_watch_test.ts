import assert from "node:assert/strict";
import { freePort, startNats, type TestNats, until } from "../tests/support/mod.ts";
import { watchCluster } from "./cluster_watch.ts";
import { connect, type Connection } from "./connection.ts";

const FAST = { everyMs: 50 };
const LOST = JSON.stringify({
  error: { code: 503, err_code: 10008, description: "JetStream system temporarily unavailable" },
});

/** A server that says it is of a cluster; what JetStream would answer, tests do. */
async function startMember(): Promise<TestNats> {
  const config = `cluster { name: test, listen: "127.0.0.1:${freePort()}" }`;
  return await startNats({ jetstream: false, config });
}

/** Answers for the cluster's leader. @returns How often. */
async function answer(server: Connection, text: string): Promise<() => number> {
  let asked = 0;
  server.subscribe("$JS.API.INFO", (_, msg) => {
    asked++;
    msg.respond(text);
  });
  await server.nats.flush();
  return () => asked;
}

Deno.test("a server that has lost its cluster is left for another", async () => {
  await using one = await startMember();
  await using other = await startMember();
  await using connection = await connect({ url: `${one.url},${other.url}` });
  const isAt = ({ port }: TestNats) => connection.nats.getServer().endsWith(`:${port}`);
  const [cutOff, whole] = isAt(one) ? [one, other] : [other, one];
  await using alone = await connect({ url: cutOff.url });
  await using together = await connect({ url: whole.url });
  await answer(alone, LOST);
  const asked = await answer(together, "{}");
  let left = 0;
  const stop = watchCluster(connection, { ...FAST, onLeave: () => left++ });
  await until(() => asked() > 5 && isAt(whole));
  // Again, if it was this one that a connection was made to first.
  assert.ok(left >= 1);
  stop();
});

for (
  const [what, text] of [
    ["whose cluster answers", '{"memory":0,"storage":0}'],
    ["that refuses for another reason", '{"error":{"code":503,"err_code":10039}}'],
  ] as const
) {
  Deno.test(`a server ${what} is not left`, async () => {
    await using nats = await startMember();
    await using server = await connect({ url: nats.url });
    const asked = await answer(server, text);
    await using connection = await connect({ url: nats.url });
    const stop = watchCluster(connection, FAST);
    await until(() => asked() > 5);
    assert.equal(connection.epoch, 0);
    stop();
  });
}

Deno.test("a server of no cluster is not asked", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const asked = await answer(connection, "{}");
  const stop = watchCluster(connection, { everyMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(asked(), 0);
  stop();
});
