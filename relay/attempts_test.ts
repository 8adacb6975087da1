import assert from "node:assert/strict";
import { parseLease } from "@ourocodus/protocol";
import { Attempt } from "./attempt.ts";
import { FakeEffects, leaseOf } from "./testing/fake_effects.ts";

Deno.test("what an agent says that it has is found by its role, and is another's no more than its own", () => {
  const relay = new FakeEffects();
  const { attempts } = relay;
  relay.agent();
  const attempt = relay.deliver();
  const forged = parseLease(leaseOf(1).subject.replace("s=r", "t=q"));
  assert.ok(forged);
  const claim = new Attempt(forged, { session: "t", role: "q" }, relay);
  attempts.claim(claim);
  assert.deepEqual([attempts.find(attempt.lease), attempts.find(forged)], [attempt, claim]);
  assert.deepEqual([attempts.size, [...attempts]], [2, [attempt, claim]]);
  attempts.delete(attempt);
  assert.deepEqual([attempts.get(forged.work), attempts.find(leaseOf(1))], [claim, undefined]);
  attempts.verified(claim);
  attempts.add(attempt);
  attempts.delete(claim);
  assert.equal(attempts.get(forged.work), attempt, "what is no more in its place is left alone");
});

Deno.test("what an agent may come back to is its own, and each is so until it is not", () => {
  const relay = new FakeEffects();
  const { attempts } = relay;
  const names = ["a", "b"].map((agentId) => ({ session: "s", role: "r", agentId }));
  const [a, b] = names;
  assert.ok(a && b);
  const [one, two, three] = [1, 2, 3].map((sequence) => relay.deliver({ sequence }));
  assert.ok(one && two && three);
  attempts.away(a, one);
  attempts.away(a, two);
  attempts.away(b, three);
  assert.deepEqual(names.map((name) => attempts.awayOf(name)), [[one, two], [three]]);
  attempts.notAway(a, one);
  attempts.notAway(a, three);
  assert.deepEqual(names.map((name) => attempts.awayOf(name)), [[two], [three]]);
});
