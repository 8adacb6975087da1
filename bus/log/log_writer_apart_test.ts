import assert from "node:assert/strict";
import { eventsSubject } from "@ourocodus/protocol";
import { startNats } from "../../tests/support/mod.ts";
import { connect, type Connection } from "../connection.ts";
import { ensureStreams } from "../streams.ts";
import { LogWriter } from "./log_writer.ts";

/** Watches how many requests are under way. @returns Tells how many there were at most. */
function countRequests(connection: Connection): () => number {
  const request = connection.request.bind(connection);
  let now = 0;
  let most = 0;
  connection.request = async (...args) => {
    most = Math.max(most, ++now);
    return await request(...args).finally(() => now--);
  };
  return () => most;
}

Deno.test("of many entries that are stored already, a thousand at once are compared", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const writer = new LogWriter(connection);
  const most = countRequests(connection);
  const data = new TextEncoder().encode("{}");
  const store = (suspect: boolean) =>
    Array.from(
      { length: 5_000 },
      (_, index) => writer.store({ subject: eventsSubject("s"), data, id: `id-${index}`, suspect }),
    );
  await Promise.all(store(false));
  assert.equal(most(), 0);
  const again = await Promise.all(store(true));
  assert.deepEqual(new Set(again.map(({ kind }) => kind)), new Set(["stored"]));
  assert.ok(most() > 0 && most() <= 1_024, `${most()} at once`);
  writer.close();
});
