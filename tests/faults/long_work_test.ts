/**
 * An agent with a minute of work, through everything that can happen to relays and NATS in it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { startAgent } from "../support/mod.ts";
import { faultTest } from "./support/fault.ts";
import { Scene } from "./support/scene.ts";

const WORK_MS = 60_000;
const ABSENCE_MS = 20_000;

const NAME =
  "60 s of work through a rolling restart of three relays, kill -9 of its relay and 20 s " +
  "of NATS absence";

faultTest(NAME, async (fault) => {
  // A second for draining, and otherwise what applies where nothing is set.
  const env = { DRAIN_SECONDS: "1", ACK_WAIT_SECONDS: "30", LEASE_GRACE_SECONDS: "15" };
  await using scene = await Scene.start({ relays: 3, env });
  const { session, role, relayUrl, client } = scene;
  await using agent = await startAgent({ relayUrl, session, role, agentId: "long" });
  await scene.send("hour", { work_ms: WORK_MS });
  await agent.waitForLine("began hour attempt 1", { timeoutMs: 30_000 });
  // Whose slots are free all the time: work that were handed out again would go there.
  const idleAt = { relayUrl, session, role, agentId: "idle", concurrency: 8 };
  await using idle = await startAgent(idleAt);
  fault.strikes();

  for (let index = 0; index < 3; index++) {
    assert.equal((await scene.relays[index]?.stop())?.code, 0);
    await scene.restart(index);
    await scene.hasAgent("long");
  }
  const killed = await scene.hasAgent("long");
  await killed.kill();
  assert.notEqual(await scene.hasAgent("long"), killed);
  await scene.restart(scene.relays.indexOf(killed));
  await scene.nats.stop();
  await new Promise((resolve) => setTimeout(resolve, ABSENCE_MS));
  await scene.nats.start();

  const [result] = await client.hasResults(session, 1, 120_000);
  await fault.closes(scene.books);
  assert.equal(result?.message.payload.attempt, 1);
  assert.equal(result?.message.payload.by, "long");
  assert.equal(agent.stdout.match(/^began/mg)?.length, 1);
  assert.doesNotMatch(idle.stdout, /^began/m);
  const given = await client.events(session);
  const attempts = given.filter(({ message }) => /^work\.(offered|red)/.test(message.type));
  assert.equal(attempts.length, 1);
  assert.equal((await client.results(session)).length, 1);
  fault.note("one attempt, one result; the work itself never stopped");
});
