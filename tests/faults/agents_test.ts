/**
 * Agents that die, hang, come back, or come twice. Each is a process of its own.
 *
 * @module
 */
import assert from "node:assert/strict";
import { startAgent, type StartAgentOptions, startProxy, until } from "../support/mod.ts";
import { faultTest } from "./support/fault.ts";
import { Scene } from "./support/scene.ts";

const SLOW = { timeoutMs: 60_000 };

/** Whom a scene's agents serve. */
function of(scene: Scene, more: Partial<StartAgentOptions> = {}): StartAgentOptions {
  return { relayUrl: scene.relayUrl, session: scene.session, role: scene.role, ...more };
}

/** The attempts that were made of each work item, by its id. */
async function attempts(scene: Scene, id: string): Promise<number[]> {
  const offered = await scene.client.events(scene.session);
  return offered.filter(({ message: { type } }) => /^work\.(offered|redelivered)$/.test(type))
    .flatMap(({ message }) => message.payload.work as { id: string; attempt: number }[])
    .filter((item) => item.id === id).map(({ attempt }) => attempt);
}

faultTest("agent killed before it accepts", async (fault) => {
  await using scene = await Scene.start();
  await using doomed = await startAgent(of(scene, { agentId: "doomed" }));
  // It hangs, so the work that the relay sends is never read.
  doomed.send("SIGSTOP");
  await scene.send("w");
  await until(async () => (await scene.health()).in_hand === 1, { message: "work in its hands" });
  await using _heir = await startAgent(of(scene, { agentId: "heir" }));
  fault.strikes();
  await doomed.kill();
  await scene.answered(1);
  fault.goesOn();
  await fault.closes(scene.books);
  assert.doesNotMatch(doomed.stdout, /^began/m);
  assert.deepEqual(await attempts(scene, "w"), [1, 2]);
  fault.note("a second attempt, by another agent, after the grace");
});

faultTest("agent killed in mid-work", async (fault) => {
  await using scene = await Scene.start();
  await using doomed = await startAgent(of(scene, { agentId: "doomed" }));
  await scene.send("w", { work_ms: 500 });
  await doomed.waitForLine("began w", SLOW);
  await using _heir = await startAgent(of(scene, { agentId: "heir" }));
  fault.strikes();
  await doomed.kill();
  await scene.answered(1);
  fault.goesOn();
  await fault.closes(scene.books);
  const [result] = await scene.client.results(scene.session);
  assert.equal(result?.message.payload.by, "heir");
  fault.note("a second attempt, by another agent, after the grace");
});

faultTest("agent killed after the result and before the acknowledgement", async (fault) => {
  await using scene = await Scene.start();
  await using doomed = await startAgent(of(scene, { agentId: "doomed" }));
  await scene.send("w", { work_ms: 1_000 });
  await doomed.waitForLine("began w", SLOW);
  await using heir = await startAgent(of(scene, { agentId: "heir" }));
  // NATS hangs: the relay has the result, but cannot store it, let alone acknowledge.
  scene.nats.send("SIGSTOP");
  await doomed.waitForLine("finished w", SLOW);
  await until(async () => (await scene.health()).held_bytes > 0, { message: "a held result" });
  fault.strikes();
  await doomed.kill();
  scene.nats.send("SIGCONT");
  await scene.answered(1);
  fault.goesOn();
  await fault.closes(scene.books);
  assert.doesNotMatch(heir.stdout, /^began/m);
  assert.deepEqual(await attempts(scene, "w"), [1]);
  fault.note("one attempt: its result counts");
});

faultTest("agent stopped (SIGSTOP: half-open socket) and continued", async (fault) => {
  await using scene = await Scene.start();
  await using stopped = await startAgent(of(scene, { agentId: "stopped" }));
  await scene.send("w", { work_ms: 1_000 });
  await stopped.waitForLine("began w", SLOW);
  await using _heir = await startAgent(of(scene, { agentId: "heir" }));
  fault.strikes();
  stopped.send("SIGSTOP");
  // Nothing tells the relay but that its pings stay without an answer.
  await scene.client.hasResults(scene.session, 1, 120_000);
  fault.goesOn();
  await until(async () => (await scene.health()).agents === 1, {
    ...SLOW,
    message: "the relay to have closed the connection",
  });
  stopped.send("SIGCONT");
  await stopped.waitForLine("disconnected", SLOW);
  await scene.send("next");
  await scene.answered(2);
  await fault.closes(scene.books);
  const [result] = await scene.client.results(scene.session);
  assert.equal(result?.message.payload.by, "heir");
  await until(async () => {
    const health = await scene.health();
    return health.agents === 2 && health.in_hand === 0;
  }, { ...SLOW, message: "the agent to be back, with empty hands" });
  fault.note("found by its silence; another agent did it, its own late result was refused");
});

for (const plain of [false, true]) {
  const protocol = plain ? "plain" : "v1";

  faultTest(`agent reconnecting inside grace (${protocol})`, async (fault) => {
    await using scene = await Scene.start({ env: { LEASE_GRACE_SECONDS: "30" } });
    await using proxy = startProxy(scene.relay.port);
    const relayUrl = `ws://127.0.0.1:${proxy.port}`;
    await using agent = await startAgent(of(scene, { agentId: "a", plain, relayUrl }));
    await scene.send("w", { work_ms: 1_500 });
    await agent.waitForLine("began w", SLOW);
    await using idle = await startAgent(of(scene, { agentId: "idle" }));
    fault.strikes();
    proxy.cut();
    await agent.waitForLine("disconnected", SLOW);
    await scene.hasAgents(1);
    proxy.heal();
    await scene.hasAgents(2);
    fault.goesOn();
    await scene.answered(1);
    await fault.closes(scene.books);
    assert.deepEqual(await attempts(scene, "w"), [1]);
    assert.equal(agent.stdout.match(/^began w/mg)?.length, 1);
    assert.doesNotMatch(idle.stdout, /^began/m);
    fault.note("the same attempt went on; the time is until it was back");
  });

  faultTest(`agent reconnecting after grace (${protocol})`, async (fault) => {
    await using scene = await Scene.start({ env: { LEASE_GRACE_SECONDS: "1" } });
    await using proxy = startProxy(scene.relay.port);
    const relayUrl = `ws://127.0.0.1:${proxy.port}`;
    await using agent = await startAgent(of(scene, { agentId: "a", plain, relayUrl }));
    await scene.send("w", { work_ms: 3_000 });
    await agent.waitForLine("began w", SLOW);
    await using heir = await startAgent(of(scene, { agentId: "heir" }));
    fault.strikes();
    proxy.cut();
    await heir.waitForLine("began w", SLOW);
    fault.goesOn();
    proxy.heal();
    await scene.answered(1);
    await fault.closes(scene.books);
    assert.deepEqual(await attempts(scene, "w"), [1, 2]);
    fault.note("handed to another agent; one of two results was taken");
  });
}

faultTest("two agents with one id", async (fault) => {
  await using scene = await Scene.start();
  await using first = await startAgent(of(scene, { agentId: "twin" }));
  await scene.send("w", { work_ms: 1_000 });
  await first.waitForLine("began w", SLOW);
  fault.strikes();
  await using second = await startAgent(of(scene, { agentId: "twin" }));
  await first.status;
  await scene.answered(1);
  fault.goesOn();
  await scene.send("next");
  await scene.answered(2);
  await fault.closes(scene.books);
  assert.match(first.stderr + first.stdout, /4500/);
  assert.match(second.stdout, /^began next attempt 1$/m);
  assert.equal(second.ended, undefined);
  assert.equal((await scene.health()).agents, 1);
  fault.note("the newer one stays and does the work; the older one ends with 4500");
});

faultTest("work longer than ack_wait", async (fault) => {
  await using scene = await Scene.start({ env: { ACK_WAIT_SECONDS: "1" } });
  await using busy = await startAgent(of(scene, { agentId: "busy" }));
  fault.strikes();
  await scene.send("long", { work_ms: 5_000 });
  await busy.waitForLine("began long", SLOW);
  await using idle = await startAgent(of(scene, { agentId: "idle" }));
  await scene.answered(1);
  await fault.closes(scene.books);
  assert.deepEqual(await attempts(scene, "long"), [1]);
  assert.doesNotMatch(idle.stdout, /^began/m);
  fault.note("five times as long: one attempt");
});

faultTest("agent dies of its work every time (poison)", async (fault) => {
  await using scene = await Scene.start({ env: { MAX_DELIVER: "3", LEASE_GRACE_SECONDS: "0" } });
  fault.strikes();
  await scene.send("poison", { ends: "die" });
  for (let attempt = 1; attempt <= 3; attempt++) {
    await using agent = await startAgent(of(scene, { agentId: `a${attempt}`, wait: false }));
    assert.equal((await agent.status).code, 9);
  }
  await using _healthy = await startAgent(of(scene, { agentId: "healthy" }));
  await scene.send("sound");
  await scene.answered(2);
  fault.goesOn();
  const balance = await fault.closes(scene.books);
  assert.equal(balance.dead, 1);
  assert.deepEqual(balance.unburied, []);
  fault.note("a dead letter and an error result after MAX_DELIVER attempts");
});
