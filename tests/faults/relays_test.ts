/**
 * Relays that die, leave, come back, and whose clock jumps; agents that read slowly, and a thousand
 * that come back at once.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  type AgentProcess,
  RawSocket,
  residentBytes,
  ROOT,
  startAgent,
  startProcess,
  startRelay,
} from "../support/mod.ts";
import { ConsumerCreations } from "./support/consumer_creations.ts";
import { faultTest } from "./support/fault.ts";
import { Load } from "./support/load.ts";
import { Scene } from "./support/scene.ts";

const MIB = 2 ** 20;
const SLOW = { timeoutMs: 60_000 };

faultTest("relay kill -9 with running work", async (fault) => {
  await using scene = await Scene.start({ relays: 2, env: { ACK_WAIT_SECONDS: "5" } });
  const { session, role, relayUrl } = scene;
  const agentOf = { relayUrl, session, role };
  await using agent = await startAgent({ ...agentOf, agentId: "a", concurrency: 2 });
  await scene.send("w1", { work_ms: 3_000 });
  await scene.send("w2", { work_ms: 8_000 });
  await agent.waitForLine("began w1", SLOW);
  await agent.waitForLine("began w2", SLOW);
  // Free slots elsewhere, into which the work would go if it were handed out again.
  await using idle = await startAgent({ ...agentOf, agentId: "idle", concurrency: 4 });
  fault.strikes();
  await (await scene.hasAgent("a")).kill();
  await scene.answered(1);
  fault.goesOn();
  await scene.answered(2);
  await fault.closes(scene.books);
  const results = await scene.client.results(session);
  assert.deepEqual(results.map(({ message }) => message.payload.attempt), [1, 1]);
  assert.doesNotMatch(idle.stdout, /^began/m);
  fault.note("the agent resumed at another relay: one attempt each; the time is the work's own");
});

faultTest("relay kill -9, and nobody resumes", async (fault) => {
  await using scene = await Scene.start({ relays: 2 });
  const { session, role } = scene;
  const [first, second] = scene.relays.map(({ url }) => url);
  await using agent = await startAgent({ relayUrl: first ?? "", session, role, plain: true });
  await scene.send("w", { work_ms: 60_000 });
  await agent.waitForLine("began w", SLOW);
  await agent.kill();
  await using again = await startAgent({ relayUrl: first ?? "", session, role, plain: true });
  await again.waitForLine("began w", SLOW);
  fault.strikes();
  await scene.relay.kill();
  await again.kill();
  await using heir = await scene.agent({ relayUrl: second, v1: true });
  assert.equal((await heir.gets(1)).attempt, 3);
  await scene.answered(1);
  fault.goesOn();
  await fault.closes(scene.books);
  fault.note("handed out again after ACK_WAIT_SECONDS, here 2");
});

faultTest("relay SIGTERM", async (fault) => {
  await using scene = await Scene.start({ relays: 2, env: { DRAIN_SECONDS: "2" } });
  const { session, role, relayUrl } = scene;
  await using agent = await startAgent({ relayUrl, session, role, agentId: "a", concurrency: 2 });
  await scene.send("short", { work_ms: 500 });
  await scene.send("long", { work_ms: 6_000 });
  await agent.waitForLine("began short", SLOW);
  await agent.waitForLine("began long", SLOW);
  await using idle = await startAgent({ relayUrl, session, role, agentId: "idle", concurrency: 4 });
  fault.strikes();
  const stopped = (await scene.hasAgent("a")).stop();
  await scene.send("new");
  await scene.answered(1);
  fault.goesOn();
  assert.equal((await stopped).code, 0);
  await scene.answered(3);
  await fault.closes(scene.books);
  const results = await scene.client.results(session);
  // The new one may have been on its way to the relay that goes away, which releases it.
  const held = results.filter(({ message }) => message.id !== "new");
  assert.deepEqual(held.map(({ message }) => message.payload.attempt), [1, 1]);
  assert.doesNotMatch(idle.stdout, /^began long/m);
  fault.note("new work went elsewhere at once, unfinished work moved with its agent: one attempt");
});

faultTest("rolling restart of three relays under load", async (fault) => {
  await using scene = await Scene.start({
    relays: 3,
    env: { DRAIN_SECONDS: "1", ACK_WAIT_SECONDS: "10" },
  });
  const { session, role, relayUrl } = scene;
  await using stack = new AsyncDisposableStack();
  const agents: AgentProcess[] = [];
  for (let n = 0; n < 6; n++) {
    // Some know all relays, some one alone, which they wait for.
    const url = n < 3 ? relayUrl : scene.relays[n % 3]?.url ?? "";
    const options = { relayUrl: url, session, role, agentId: `a${n}`, concurrency: 2 };
    agents.push(stack.use(await startAgent(options)));
  }
  const load = new Load(scene.books, 200, (n) => ({ work_ms: n % 10 === 0 ? 2_000 : 20 }));
  fault.strikes();
  for (let index = 0; index < 3; index++) {
    assert.equal((await scene.relays[index]?.stop())?.code, 0);
    await scene.restart(index);
  }
  const sent = await load.stop();
  const balance = await fault.closes(scene.books, 120_000);
  assert.equal(balance.answered, sent);
  const begun = agents.flatMap(({ stdout }) => [...stdout.matchAll(/^began (\S+)/mg)])
    .map(([, id]) => id);
  assert.equal(begun.length, sent, "work was begun twice");
  fault.note("every work item was begun once");
});

faultTest("clock jump of a relay, an hour back and an hour ahead", async (fault) => {
  await using scene = await Scene.start({ relays: 0, env: { ACK_WAIT_SECONDS: "1" } });
  const { session, role, nats, env } = scene;
  const preload = "tests/faults/support/jumping_clock.ts";
  scene.relays.push(await startRelay({ natsUrl: nats.url, env, preload }));
  const agentOf = { relayUrl: scene.relay.url, session, role };
  await using busy = await startAgent({ ...agentOf, agentId: "busy", concurrency: 2 });
  await scene.send("back", { work_ms: 6_000 });
  await busy.waitForLine("began back", SLOW);
  await scene.send("ahead", { work_ms: 9_000 });
  await busy.waitForLine("began ahead", SLOW);
  // At a relay whose clock is right; there the work would go.
  await using right = await startRelay({ natsUrl: nats.url, env });
  await using idle = await startAgent({ ...agentOf, relayUrl: right.url, agentId: "idle" });
  fault.strikes();
  scene.relay.process.send("SIGUSR1");
  await scene.answered(1);
  scene.relay.process.send("SIGUSR2");
  scene.relay.process.send("SIGUSR2");
  await scene.answered(2);
  const results = await scene.client.results(session);
  assert.deepEqual(results.map(({ message }) => message.payload.attempt), [1, 1]);
  assert.doesNotMatch(idle.stdout, /^began/m);
  await idle.stop();
  await scene.send("next");
  await scene.answered(3);
  await fault.closes(scene.books);
  fault.note("leases are kept by a clock that never jumps: one attempt each");
});

faultTest("slow reader", async (fault) => {
  const limit = 4 * MIB;
  await using scene = await Scene.start({ env: { MAX_UNREAD_BYTES: String(limit) } });
  const { session, role, relay } = scene;
  const { pid } = relay.process;
  await using slow = await RawSocket.connect({
    relayUrl: relay.url,
    session,
    role,
    v1: true,
    concurrency: 1_000,
  });
  await using other = await scene.agent({ role: "other", v1: true });
  await slow.hears("relay.welcome");
  const before = await residentBytes(pid);
  fault.strikes();
  slow.pause();
  const text = "x".repeat(MIB / 4);
  for (let n = 0; n < 64; n++) await scene.send(`large${n}`, { text });
  await scene.hasAgents(1);
  // Nobody else has noticed.
  await scene.books.send(session, "other", "unaffected");
  await other.gets(1);
  await using _heir = await scene.agent({ v1: true, concurrency: 4 });
  await scene.answered(65);
  fault.goesOn();
  await fault.closes(scene.books);
  const grown = await residentBytes(pid) - before;
  assert.ok(grown < 128 * MIB, `the relay has grown by ${grown} bytes`);
  slow.resume();
  const close = await slow.closed;
  assert.ok([4001, 1006].includes(close.code), String(close.code));
  fault.note("closed with 4001 once MAX_UNREAD_BYTES wait; its work went to another");
});

faultTest("1,000 agents reconnecting at once", async (fault) => {
  await using scene = await Scene.start({ env: { ACK_WAIT_SECONDS: "10" } });
  const script = `${ROOT}/tests/faults/support/thousand_agents.ts`;
  await using crowd = startProcess(Deno.execPath(), ["run", "-A", script, scene.relay.url], {
    name: "a thousand agents",
  });
  await scene.hasAgents(1_000);
  await sendToAll(scene, "before");
  await scene.books.settled();
  const creations = new ConsumerCreations(scene.client.connection);
  fault.strikes();
  await scene.relay.kill();
  await crowd.waitForLine(/^disconnected 1000$/, SLOW);
  await scene.restart(0);
  await sendToAll(scene, "after");
  await scene.hasAgents(1_000);
  fault.goesOn();
  const balance = await fault.closes(scene.books);
  assert.equal(balance.answered, 2_000);
  const spread: number[] = JSON.parse(/^spread (.*)$/m.exec(crowd.stdout)?.[1] ?? "[]");
  assert.equal(spread.length, 10);
  // A hundred in each tenth is what chance gives, with 10 more or less.
  assert.ok(spread.every((count) => count < 200), `came back at ${spread}`);
  assert.equal(creations.asked, 100);
  // A relay makes 32 at once; an onlooker may hear of an answer after the next request.
  assert.ok(creations.atOnce <= 64, `${creations.atOnce} at once`);
  fault.note("spread by jitter; 100 consumers were asked for, at most 32 at once");
});

/** Sends ten work items to each of the thousand agents' roles. */
async function sendToAll(scene: Scene, name: string): Promise<void> {
  for (let sent = 0; sent < 1_000; sent += 100) {
    await Promise.all(
      Array.from(
        { length: 100 },
        (_, n) => scene.books.send(`s${n % 10}`, `r${n}`, `${name}${sent + n}`),
      ),
    );
  }
}
