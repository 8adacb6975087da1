import assert from "node:assert/strict";
import { parseLease } from "@ourocodus/protocol";
import { Grace } from "./grace.ts";
import { newWork, type Work } from "./work.ts";

function workOf(sequence: number): Work {
  const lease = parseLease(`$JS.ACK.OUROCODUS_WORK.s=r.1.${sequence}.1.1763999999999999999.0`);
  assert.ok(lease);
  return newWork({ id: "1", session: "s", role: "r", state: "waiting" }, lease);
}

Deno.test("what an agent left is handed out once, all of it, and kept no longer", () => {
  const grace = new Grace({ graceMs: 60_000, onExpired: () => assert.fail("it was taken before") });
  const [one, two, three] = [workOf(1), workOf(2), workOf(3)];
  grace.keep("a", [one], "cable");
  grace.keep("a", [two], "cable again");
  grace.keep("b", [three], "cable");
  assert.deepEqual([one, two, three].map(({ state }) => state), ["held", "held", "held"]);
  assert.deepEqual(grace.take("a"), [one, two]);
  assert.deepEqual(grace.take("a"), []);
  assert.deepEqual([grace.takeAll(), grace.takeAll()], [[three], []]);
});

Deno.test("one piece of work may go, and with the last one nothing is waited for", async () => {
  const grace = new Grace({ graceMs: 1, onExpired: () => assert.fail("nothing is kept") });
  const [one, two] = [workOf(1), workOf(2)];
  grace.keep("a", [one, two], "cable");
  grace.drop(one);
  assert.deepEqual(grace.take("a"), [two]);
  grace.keep("a", [one], "cable");
  grace.drop(one);
  await new Promise((resolve) => setTimeout(resolve, 2)); // Runs behind the other timer.
});
