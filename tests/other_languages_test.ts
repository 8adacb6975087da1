/** Any WebSocket client is an agent, any NATS client sends work: no SDK of ours is needed. */
import assert from "node:assert/strict";
import {
  BusClient,
  ROOT,
  runProcess,
  startNats,
  startProcess,
  startRelay,
  until,
} from "./support/mod.ts";

const python = await hasPython();
if (!python && Deno.env.get("CI")) throw new Error("python3 is missing; CI must have it");

Deno.test({
  name: "a plain agent and a plain publisher in Python do the main job",
  ignore: !python,
  async fn() {
    await using nats = await startNats();
    await using relay = await startRelay({ natsUrl: nats.url });
    await using client = await BusClient.connect(nats.url);
    const agent = startProcess("python3", [
      `${ROOT}/tests/clients/plain_agent.py`,
      "127.0.0.1",
      `${relay.port}`,
      "docs",
      "shouter",
    ], { name: "plain_agent.py" });
    await using _agent = agent;
    await until(() => agent.stdout.includes("connected"), { message: "the agent to connect" });
    const text = '{"id": "p1", "type": "work",\n  "payload": {"message": "grüß Gott"}, "extra": 1}';
    const published = await runProcess("python3", [
      `${ROOT}/tests/clients/publish.py`,
      "127.0.0.1",
      `${nats.port}`,
      "sessions.docs.work.shouter",
      text,
    ], { name: "publish.py" });
    assert.equal(published.code, 0, published.stderr);
    const [result] = await client.hasResults("docs", 1);

    assert.equal(result?.message.id, "p1");
    assert.deepEqual(result?.message.payload, { shouted: "GRÜSS GOTT" });
    await relay.stop();
    assert.equal((await agent.status).code, 0);
  },
});

async function hasPython(): Promise<boolean> {
  try {
    return (await runProcess("python3", ["--version"], { name: "python3" })).code === 0;
  } catch {
    return false;
  }
}
