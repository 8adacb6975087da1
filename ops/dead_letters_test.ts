import assert from "node:assert/strict";
import { headers } from "@nats-io/nats-core";
import { connect, type Connection, ensureStreams, lastLogSequence } from "@ourocodus/bus";
import { deadSubject, LOG_HEADER, workSubject } from "@ourocodus/protocol";
import { startNats, until } from "../tests/support/mod.ts";
import { deadLetters } from "./dead_letters.ts";

const identity = (number: number) => `${number}.1795459357920106100`;

/** Sends the work of a dead letter again, in a role. */
async function retry(connection: Connection, number: number, role = "r"): Promise<void> {
  const header = headers();
  header.set(LOG_HEADER.retryOf, identity(number));
  await connection.nats.request(workSubject("s", role), "{}", {
    ...{ headers: header, timeout: 5_000 },
  });
}

/** Stores a dead letter. @returns Its sequence in the log. */
async function bury(connection: Connection, number: number): Promise<number> {
  const before = await lastLogSequence(connection);
  const header = headers();
  header.set("Nats-Msg-Id", `${identity(number)}.d`);
  const text = `{"id":"w${number}","type":"work","payload":{}}`;
  connection.nats.publish(deadSubject("s", "r"), text, { headers: header });
  return await until(async () => {
    const last = await lastLogSequence(connection);
    return last > before && last;
  });
}

async function ids(connection: Connection, limit: number, all = false): Promise<string[]> {
  const { items } = await deadLetters(connection, "s", { limit, all });
  return items.map(({ sequence, requeued_as }) => `${sequence}:${requeued_as}`);
}

Deno.test("dead letters that were sent again are left out, on whatever page they are", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const letters: number[] = [];
  for (let number = 1; number <= 7; number++) letters.push(await bury(connection, number));
  for (const number of [7, 2, 5, 4, 2]) await retry(connection, number);
  // Whatever other roles say, they have not sent it.
  await retry(connection, 1, "other");
  const [first, , third, , , sixth] = letters;
  // The log has copies of them a moment after they are stored.
  await until(async () => await lastLogSequence(connection) === 7 + 6);
  assert.deepEqual(await ids(connection, 2), [`${sixth}:null`, `${third}:null`]);
  assert.deepEqual(await ids(connection, 10), [sixth, third, first].map((one) => `${one}:null`));
  assert.deepEqual((await ids(connection, 10, true)).map((one) => one.split(":")[1]), [
    ...["1", "null", "3", "4", "null", "5", "null"],
  ]);
});

Deno.test("copies of work that are older than the dead letters are not read", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const count = 2_000;
  for (let number = 1; number <= count; number++) {
    connection.nats.publish(workSubject("s", "r"), "{}");
  }
  await until(async () => await lastLogSequence(connection) >= count);
  for (const expected of [0, 1]) {
    const before = connection.nats.stats().inMsgs;
    assert.equal((await deadLetters(connection, "s")).items.length, expected);
    assert.ok(connection.nats.stats().inMsgs - before < 100);
    if (expected === 0) await bury(connection, 1);
  }
});
