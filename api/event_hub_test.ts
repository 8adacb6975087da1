import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import { connect, type Connection, ensureStreams } from "@ourocodus/bus";
import { eventsSubject } from "@ourocodus/protocol";
import { startNats, until } from "../tests/support/mod.ts";
import { EventHub } from "./event_hub.ts";

/** Says once of the log that it has one message. @returns How often it was asked. */
function shorten({ nats }: Connection): () => number {
  const request = nats.request.bind(nats);
  let asked = 0;
  nats.request = async (subject, ...rest) => {
    const answer = await request(subject, ...rest);
    if (!subject.includes(".STREAM.INFO.") || ++asked > 1) return answer;
    const info = answer.json<{ state: object }>();
    const shorter = JSON.stringify({ ...info, state: { ...info.state, last_seq: 1 } });
    return { ...answer, data: new TextEncoder().encode(shorter) } as Msg;
  };
  return () => asked;
}

Deno.test("a log that is shorter for a moment is not taken for another", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  for (let n = 0; n < 3; n++) connection.nats.publish(eventsSubject("s"), "{}");
  await connection.nats.flush();
  const hub = await EventHub.start(connection);
  await until(() => hub.ring.last === 3);
  let reset = 0;
  hub.ring.reset = () => reset++;
  const looks = shorten(connection);
  // The second one is the doubt's, and the third one comes in its time.
  await until(() => looks() >= 3, { timeoutMs: 30_000 });
  assert.equal(reset, 0);
  await hub.close();
});
