import assert from "node:assert/strict";
import { sendWork } from "@ourocodus/ops";
import { connect } from "@ourocodus/bus";
import { until } from "../tests/support/mod.ts";
import { sampleBacklog } from "./backlog_samples.ts";
import type { StreamsSample } from "./system_look.ts";
import { startTestApi } from "./testing/test_api.ts";

function sample(messages: number): StreamsSample {
  const stream = { messages: 0, bytes: 0 };
  return {
    numbers: { work: { ...stream, messages }, log: { ...stream, results: 0 } },
    bounds: { first: 1, last: 0 },
  };
}

Deno.test("what waits is noted again and again until it is ended, except where it cannot be asked", async () => {
  const noted: number[] = [];
  const enough = Promise.withResolvers<void>();
  let asked = 0;
  const end = sampleBacklog(
    {
      pending(messages) {
        noted.push(messages);
        if (noted.length === 3) enough.resolve();
      },
    },
    {
      streams: () =>
        ++asked === 2 ? Promise.reject(new Error("away")) : Promise.resolve(sample(asked)),
    },
    1,
  );
  await enough.promise;
  await end();
  assert.deepEqual(noted.slice(0, 3), [1, 3, 4]);
  const before = asked;
  await end();
  assert.equal(asked, before);
});

Deno.test("the backlog of the last minutes is known, though nobody has asked for it", async () => {
  await using api = await startTestApi();
  await using client = await connect({ url: api.natsUrl });
  await sendWork(client, { session: "s", role: "r", id: "waits", payload: {} });
  await until(async () => {
    const { body } = await api.fetch("/api/stats");
    return body.points.some(({ pending }: { pending: number | null }) => pending === 1);
  }, { message: "a sample of the backlog" });
});
