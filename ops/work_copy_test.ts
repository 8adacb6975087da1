import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import fc from "fast-check";
import { connect, ensureStreams, lastLogSequence, readLog } from "@ourocodus/bus";
import {
  ALL_COPIES,
  eventsSubject,
  LOG_STREAM,
  WORK_STREAM,
  workSubject,
} from "@ourocodus/protocol";
import { startNats, until } from "../tests/support/mod.ts";
import { findCopy } from "./work_copy.ts";
import { traceWork } from "./work_trace.ts";

const WORK = '{"id":"w","type":"work","payload":{}}';

Deno.test("the copy of any work item is found among whatever else the log has", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const kinds = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 })), { maxLength: 5 });
  let [stored, all] = [0, 0];
  await fc.assert(
    fc.asyncProperty(kinds, async (runs) => {
      for (const [isWork, times] of runs) {
        if (isWork) stored += times;
        const subject = isWork ? workSubject("s", `r${times}`) : eventsSubject("s");
        for (let time = 0; time < times; time++) connection.nats.publish(subject, WORK);
      }
      all += runs.reduce((sum, [, times]) => sum + times, 0);
      await until(async () => await lastLogSequence(connection) === all);
      const copies = new Map<number, number>();
      for await (const { work, sequence } of readLog(connection, ALL_COPIES)) {
        if (work !== undefined) copies.set(work.sequence, sequence);
      }
      assert.equal(copies.size, stored);
      const wanted = new Set([1, 2, Math.ceil(stored / 2), stored - 1, stored, stored + 1]);
      for (const work of wanted) assert.equal(await findCopy(connection, work), copies.get(work));
    }),
    { numRuns: 15 },
  );
});

Deno.test("of a work stream that was made anew no earlier one's work is taken for it", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const manager = await jetstreamManager(connection.nats);
  const ids = async () => {
    const traces = await traceWork(connection, { workSequence: 1 }, { limit: 1 });
    return traces.map(({ id, state }) => `${id} ${state}`);
  };
  await ensureStreams(connection);
  for (const id of ["old", "new"]) {
    connection.nats.publish(workSubject("s", "r"), WORK.replace('"w"', `"${id}"`));
    const copies = id === "old" ? 1 : 2;
    await until(async () => await lastLogSequence(connection) === copies);
    assert.deepEqual(await ids(), [`${id} waiting`]);
    assert.equal(await findCopy(connection, 1), copies);
    await manager.streams.delete(WORK_STREAM);
    assert.equal(await findCopy(connection, 1), undefined);
    await ensureStreams(connection);
    assert.equal(await findCopy(connection, 1), undefined);
    assert.deepEqual(await ids(), [`${id} gone`]);
  }
  await manager.streams.purge(LOG_STREAM);
  assert.equal(await findCopy(connection, 1), undefined);
});
