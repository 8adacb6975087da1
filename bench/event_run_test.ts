import assert from "node:assert/strict";
import { connect, ensureStreams } from "@ourocodus/bus";
import { startApi, startNats } from "../tests/support/mod.ts";
import { EventClients } from "./event_run.ts";

Deno.test("every client of several processes gets each event once, and all is measured", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await using api = await startApi({ natsUrl: nats.url });
  await using clients = await EventClients.start({ nats, connection, api }, 5, 2);
  for (const name of ["first", "second"]) {
    const phase = await clients.measure(name, { rate: 50, seconds: 0.4, bytes: 10 });
    assert.deepEqual([phase.published, phase.received, phase.outOfOrder], [20, 100, 0]);
    assert.equal(phase.latencies.total, 100);
    assert.ok(phase.residentBytes > 2 ** 20);
  }
});
