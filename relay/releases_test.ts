import assert from "node:assert/strict";
import type { Connection, LogEntry, LogWriter, WorkQueue } from "@ourocodus/bus";
import { NO_ATTEMPTS, parseAttemptRecord, parseLease } from "@ourocodus/protocol";
import { Releases } from "./releases.ts";
import { FakeEffects, leaseOf } from "./testing/fake_effects.ts";

const ACK_WAIT_MS = 30_000;

/** Releases on a NATS that only notes what it is told. */
function fakeReleases() {
  const told: string[] = [];
  const connection = { connected: true };
  const stored: LogEntry[] = [];
  const release = (lease: string, delayMs: number) =>
    void told.push(`${parseLease(lease)?.attempt}, ${delayMs}`);
  const queue = { ackWaitMs: ACK_WAIT_MS, release };
  const releases = new Releases({
    connection: connection as Connection,
    queue: queue as unknown as WorkQueue,
    writer: { append: (entry: LogEntry) => void stored.push(entry) } as LogWriter,
  });
  return { releases, told, connection, stored };
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
    releases.release(relay.deliver(), 5_000, false);
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
  releases.released(leaseOf(1), NO_ATTEMPTS);
  assert.equal(releases.recordOf(leaseOf(2)), NO_ATTEMPTS);
  releases.restored(performance.now() + 1);
  assert.equal(releases.recordOf(leaseOf(2)), undefined);
  releases.released(leaseOf(2), NO_ATTEMPTS);
  releases.resumed(leaseOf(2));
  assert.equal(releases.recordOf(leaseOf(3)), undefined, "an agent has come back to it");
});

Deno.test("of work that is released, here or at another relay, the next attempt alone is known to be unanswered", () => {
  const { releases, told } = fakeReleases();
  const relay = new FakeEffects();
  relay.agent();
  releases.release(relay.deliver(), 0, false);
  assert.deepEqual(told, ["1, 0"]);
  const known = () => [1, 2, 3].map((one) => releases.recordOf(leaseOf(one)) !== undefined);
  assert.deepEqual(known(), [false, true, false]);
  releases.released(leaseOf(2), NO_ATTEMPTS);
  assert.deepEqual(known(), [false, false, true]);
});

Deno.test("what an attempt has left is stored before its work is released, and known here", () => {
  const { releases, told, stored } = fakeReleases();
  const relay = new FakeEffects();
  relay.agent({ agentId: "a", v1: true });
  const attempt = relay.deliver();
  attempt.retried({ code: "retry", message: "no" }, { delayMs: 7, charged: true });
  releases.release(attempt, 7, true);
  const [entry] = stored;
  assert.ok(entry);
  assert.deepEqual([entry.subject, told], ["sessions.s.attempts.r.7-1763999999999999999", []]);
  assert.deepEqual(parseAttemptRecord(String(entry.data)), attempt.record);
  entry.onSettled?.({ kind: "stored" });
  assert.deepEqual(told, ["1, 7"]);
  assert.equal(releases.recordOf(leaseOf(2)), attempt.record);
  releases.released(leaseOf(2));
  assert.equal(releases.recordOf(leaseOf(3)), undefined, "a relay of before has not told it");
});

Deno.test("work is put off for a day at most, and its record kept young", () => {
  const { releases, told, stored } = fakeReleases();
  const relay = new FakeEffects();
  relay.agent();
  const attempt = relay.deliver();
  releases.putOff(attempt, 86_400_000);
  assert.deepEqual([told.splice(0), stored.length], [["1, 86400000"], 0]);
  releases.putOff(attempt, 86_400_001);
  stored[0]?.onSettled?.({ kind: "stored" });
  assert.deepEqual([told, stored.length], [["1, 86400000"], 1]);
});

Deno.test("attempts count on where the queue begins to count anew", () => {
  const { releases } = fakeReleases();
  const first = leaseOf(1);
  assert.deepEqual(releases.counted(first), first);
  releases.released(first, NO_ATTEMPTS);
  assert.deepEqual(releases.counted(first), { ...first, attempt: 2 });
  assert.equal(releases.recordOf(releases.counted(first)), NO_ATTEMPTS);
  releases.released(first, NO_ATTEMPTS);
  assert.deepEqual(releases.counted(first), { ...first, attempt: 3 });
  assert.deepEqual(releases.counted(leaseOf(3)), leaseOf(3));
});

Deno.test("what was released longest ago is forgotten when there is too much of it", () => {
  const { releases } = fakeReleases();
  const leases = Array.from({ length: 10_001 }, (_, index) => {
    return { ...leaseOf(1), sequence: index, work: `${index}.1` };
  });
  for (const lease of leases) releases.released(lease, NO_ATTEMPTS);
  releases.released({ ...leaseOf(2), work: "1.1" }, NO_ATTEMPTS);
  const known = (work: string, attempt: number) =>
    releases.recordOf({ ...leaseOf(attempt), work }) !== undefined;
  assert.deepEqual([known("0.1", 2), known("1.1", 3), known("10000.1", 2)], [false, true, true]);
  releases.released({ ...leaseOf(1), work: "10001.1" }, NO_ATTEMPTS);
  assert.deepEqual([known("1.1", 3), known("2.1", 2)], [true, false]);
});
