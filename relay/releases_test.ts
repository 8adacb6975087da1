import assert from "node:assert/strict";
import type { Connection, WorkQueue } from "@ourocodus/bus";
import { parseLease } from "@ourocodus/protocol";
import { Releases } from "./releases.ts";
import { FakeEffects, leaseOf } from "./testing/fake_effects.ts";

const ACK_WAIT_MS = 30_000;

/** Releases on a NATS that only notes what it is told. */
function fakeReleases() {
  const told: string[] = [];
  const connection = { connected: true };
  const release = (lease: string, delayMs: number) =>
    void told.push(`${parseLease(lease)?.attempt}, ${delayMs}`);
  const queue = { ackWaitMs: ACK_WAIT_MS, release };
  const releases = new Releases(connection as Connection, queue as unknown as WorkQueue);
  return { releases, told, connection };
}

Deno.test("what is released while NATS is away is so when it is back, if its lease lives and no other relay has it", () => {
  const now = performance.now;
  using _ = { [Symbol.dispose]: () => void (performance.now = now) };
  for (const [awayMs, elsewhere] of [[0, 8], [ACK_WAIT_MS, 8], [0, 7]] as const) {
    performance.now = () => 1_000;
    const { releases, told, connection } = fakeReleases();
    const relay = new FakeEffects();
    relay.agent();
    connection.connected = false;
    releases.release(relay.deliver(), 5_000);
    releases.releaseWaiting(new Set());
    connection.connected = true;
    performance.now = () => 1_000 + awayMs;
    releases.releaseWaiting(new Set([elsewhere]));
    releases.releaseWaiting(new Set());
    assert.deepEqual(told, awayMs === 0 && elsewhere === 8 ? ["1, 5000"] : []);
  }
});

Deno.test("what was released before NATS was away says nothing any more: others may have been told since", () => {
  const { releases } = fakeReleases();
  releases.released(leaseOf(1));
  assert.equal(releases.wasReleased(leaseOf(2)), true);
  releases.restored(performance.now() + 1);
  assert.equal(releases.wasReleased(leaseOf(2)), false);
  releases.released(leaseOf(2));
  releases.resumed(leaseOf(2));
  assert.equal(releases.wasReleased(leaseOf(3)), false, "an agent has come back to it");
});

Deno.test("of work that is released, here or at another relay, the next attempt alone is known to be unanswered", () => {
  const { releases, told } = fakeReleases();
  const relay = new FakeEffects();
  relay.agent();
  releases.release(relay.deliver(), 0);
  assert.deepEqual(told, ["1, 0"]);
  const known = () => [1, 2, 3].map((one) => releases.wasReleased(leaseOf(one)));
  assert.deepEqual(known(), [false, true, false]);
  releases.released(leaseOf(2));
  assert.deepEqual(known(), [false, false, true]);
});

Deno.test("who had work last is known, here and at another relay", () => {
  const { releases } = fakeReleases();
  const relay = new FakeEffects();
  const agent = relay.agent({ agentId: "a", v1: true });
  const attempt = relay.deliver();
  assert.equal(releases.lastAgent(attempt.lease), undefined);
  releases.release(attempt, 0);
  assert.equal(releases.lastAgent(leaseOf(2)), agent.agentId);
  releases.released(leaseOf(2), "b");
  assert.equal(releases.lastAgent(leaseOf(3)), "b");
});

Deno.test("attempts count on where the queue begins to count anew", () => {
  const { releases } = fakeReleases();
  const first = leaseOf(1);
  assert.deepEqual(releases.counted(first), first);
  releases.released(first);
  assert.deepEqual(releases.counted(first), { ...first, attempt: 2 });
  assert.equal(releases.wasReleased(releases.counted(first)), true);
  releases.released(first);
  assert.deepEqual(releases.counted(first), { ...first, attempt: 3 });
  assert.deepEqual(releases.counted(leaseOf(3)), leaseOf(3));
});

Deno.test("what was released longest ago is forgotten when there is too much of it", () => {
  const { releases } = fakeReleases();
  const leases = Array.from({ length: 10_001 }, (_, index) => {
    return { ...leaseOf(1), sequence: index, work: `${index}.1` };
  });
  for (const lease of leases) releases.released(lease);
  releases.released({ ...leaseOf(2), work: "1.1" });
  const known = (work: string, attempt: number) =>
    releases.wasReleased({ ...leaseOf(attempt), work });
  assert.deepEqual([known("0.1", 2), known("1.1", 3), known("10000.1", 2)], [false, true, true]);
  releases.released({ ...leaseOf(1), work: "10001.1" });
  assert.deepEqual([known("1.1", 3), known("2.1", 2)], [true, false]);
});
