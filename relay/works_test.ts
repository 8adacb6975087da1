import assert from "node:assert/strict";
import type { Connection, WorkQueue } from "@ourocodus/bus";
import { parseLease } from "@ourocodus/protocol";
import type { Journal } from "./journal.ts";
import { RelayMetrics } from "./metrics.ts";
import type { Outcomes } from "./outcomes.ts";
import { newWork, type Work } from "./work.ts";
import { Works } from "./works.ts";

const ACK_WAIT_MS = 30_000;

/** Works on a NATS that only notes what it is told. */
function fakeWorks() {
  const told: string[] = [];
  const connection = { connected: true };
  const queue = {
    ackWaitMs: ACK_WAIT_MS,
    keepAlive: (lease: string) => told.push(`keep ${attemptOf(lease)}`),
    giveBack: (lease: string, delayMs: number) =>
      told.push(`give back ${attemptOf(lease)}, ${delayMs}`),
  };
  const buried: string[] = [];
  const outcomes = {
    bury: (_: Work, { message }: { readonly message: string }) => {
      buried.push(message);
      return Promise.resolve(true);
    },
  };
  const works = new Works({
    connection: connection as Connection,
    queue: queue as unknown as WorkQueue,
    outcomes: outcomes as unknown as Outcomes,
    journal: { work: () => {} } as unknown as Journal,
    metrics: new RelayMetrics(),
    maxDeliver: 3,
    graceMs: 0,
    onReturn: ({ subject }) => told.push(`tell ${attemptOf(subject)}`),
    onPending: () => {},
  });
  return { works, told, buried, connection };
}

function leaseOf(attempt: number) {
  const lease = parseLease(`$JS.ACK.OUROCODUS_WORK.s=r.${attempt}.7.9.1763999999999999999.0`);
  assert.ok(lease);
  return lease;
}

function attemptOf(lease: string): number | undefined {
  return parseLease(lease)?.attempt;
}

/** Work that was delivered. */
function delivered(works: Works, attempt = 1): Work {
  const lease = leaseOf(attempt);
  const work = newWork({ id: "1", session: "s", role: "r", state: "waiting" }, lease);
  work.state = "in_hand";
  works.add(work);
  return work;
}

Deno.test("a lease is kept alive when a third of its time is over, unless its work is answered", () => {
  const { works, told, connection } = fakeWorks();
  const work = delivered(works);
  const since = work.keptAt;
  works.keepAlive(since + ACK_WAIT_MS / 3 - 1);
  assert.deepEqual(told, []);
  works.keepAlive(since + ACK_WAIT_MS / 3);
  works.keepAlive(since + ACK_WAIT_MS / 3 + 1);
  assert.deepEqual(told, ["keep 1"]);
  connection.connected = false;
  works.keepAlive(since + ACK_WAIT_MS);
  connection.connected = true;
  assert.equal(work.lapsed, false);
  work.state = "answered";
  works.keepAlive(since + ACK_WAIT_MS);
  works.restored(since + ACK_WAIT_MS);
  assert.deepEqual(told, ["keep 1"]);
});

Deno.test("what may have run out is neither given back nor left, until it is delivered once more", () => {
  for (const end of ["give back", "leave"] as const) {
    const { works, told } = fakeWorks();
    const lapse = () => {
      const work = delivered(works);
      // One more: a sum of fractions may be a little less.
      works.restored(work.keptAt + ACK_WAIT_MS + 1);
      return work;
    };
    const letGo = (work: Work) => end === "leave" ? works.leave(work) : works.giveBack(work, "x");
    letGo(lapse());
    assert.deepEqual([told.splice(0), works.size], [["keep 1"], 0]);
    assert.equal(works.wasReturned(leaseOf(2)), false);
    const work = lapse();
    work.keptAt = 0;
    assert.equal(works.renew(leaseOf(2)), work);
    assert.ok(work.keptAt > 0, "it was delivered just now");
    letGo(work);
    const last = end === "leave" ? ["keep 2"] : ["tell 2", "give back 2, 0"];
    assert.deepEqual([told, works.size], [["keep 1", ...last], 0]);
  }
});

Deno.test("attempts that the queue counted while an agent had the work count", () => {
  const { works, told, buried } = fakeWorks();
  const work = delivered(works);
  works.renew(leaseOf(2));
  assert.equal(work.attempt, 1);
  works.renew(leaseOf(3));
  works.retry(work, { code: "retry", message: "no" });
  assert.deepEqual(told, []);
  assert.deepEqual(buried, ["given up after 3 attempts; the last one: retry, no"]);
});

Deno.test("why work is given up ends without a comma where nothing is known of the last attempt", () => {
  const { works, buried } = fakeWorks();
  works.retry(delivered(works, 3), { code: "disconnected", message: "" });
  assert.deepEqual(buried, ["given up after 3 attempts; the last one: disconnected"]);
});

Deno.test("what is given back while NATS is away is so when it is back, if its lease lives by then", () => {
  for (const awayMs of [ACK_WAIT_MS - 1, ACK_WAIT_MS]) {
    const { works, told, connection } = fakeWorks();
    const work = delivered(works);
    connection.connected = false;
    works.giveBack(work, "retry", { delayMs: 5_000 });
    assert.deepEqual(told.splice(0), ["tell 1"]);
    connection.connected = true;
    works.restored(work.keptAt + awayMs);
    works.restored(work.keptAt + awayMs);
    assert.deepEqual(told, awayMs < ACK_WAIT_MS ? ["give back 1, 5000"] : []);
  }
});

Deno.test("of work that is given back, here or at another relay, the next attempt alone is known to be unanswered", () => {
  const { works } = fakeWorks();
  works.giveBack(delivered(works), "retry");
  assert.deepEqual([1, 2, 3].map((one) => works.wasReturned(leaseOf(one))), [false, true, false]);
  works.returned(leaseOf(2));
  assert.deepEqual([1, 2, 3].map((one) => works.wasReturned(leaseOf(one))), [false, false, true]);
});

Deno.test("attempts count on where the queue begins to count anew", () => {
  const { works, buried } = fakeWorks();
  const first = leaseOf(1);
  assert.deepEqual(works.counted(first), first);
  works.returned(first);
  assert.deepEqual(works.counted(first), { ...first, attempt: 2 });
  assert.equal(works.wasReturned(works.counted(first)), true);
  works.returned(first);
  works.retry(delivered(works), { code: "retry", message: "no" });
  assert.deepEqual(buried, ["given up after 3 attempts; the last one: retry, no"]);
  assert.deepEqual(works.counted(leaseOf(3)), leaseOf(3));
});

Deno.test("the work that was given back longest ago is forgotten when there is too much of it", () => {
  const { works } = fakeWorks();
  const leases = Array.from({ length: 10_001 }, (_, index) => {
    return { ...leaseOf(1), sequence: index, work: `${index}.1` };
  });
  for (const lease of leases) works.returned(lease);
  works.returned({ ...leaseOf(2), work: "1.1" });
  const known = (work: string, attempt: number) => works.wasReturned({ ...leaseOf(attempt), work });
  assert.deepEqual([known("0.1", 2), known("1.1", 3), known("10000.1", 2)], [false, true, true]);
  works.returned({ ...leaseOf(1), work: "10001.1" });
  assert.deepEqual([known("1.1", 3), known("2.1", 2)], [true, false]);
});

Deno.test("without NATS nothing is said of work that is left to its agent", () => {
  const { works, told, connection } = fakeWorks();
  connection.connected = false;
  works.leave(delivered(works));
  assert.deepEqual([told, works.size], [[], 0]);
});

Deno.test("what an agent says that it has is found by its role, and is another's no more than its own", () => {
  const { works } = fakeWorks();
  const work = delivered(works);
  const forged = parseLease(leaseOf(1).subject.replace("s=r", "t=q"));
  assert.ok(forged);
  const claim = newWork({ id: "", session: "t", role: "q", state: "resuming" }, forged);
  works.claim(claim);
  assert.deepEqual([works.find(work.lease), works.find(forged)], [work, claim]);
  assert.deepEqual([works.size, [...works.all()]], [2, [work, claim]]);
  works.forget(work);
  assert.deepEqual([works.get(forged.work), works.find(leaseOf(1))], [claim, undefined]);
  works.verified(claim);
  works.add(work);
  works.forget(claim);
  assert.equal(works.get(forged.work), work, "what is no more in its place is left alone");
});
