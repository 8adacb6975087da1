import assert from "node:assert/strict";
import fc from "fast-check";
import { NO_ATTEMPTS } from "@ourocodus/protocol";
import type { AttemptView } from "./attempt_effects.ts";
import { FakeEffects } from "./testing/fake_effects.ts";

Deno.test("a role asks for its agents' free slots, less what needs one already", () => {
  const relay = new FakeEffects();
  relay.agent({ concurrency: 2 });
  const other = relay.agent({ concurrency: 3 });
  const ask = (open = true) => relay.role.pull(open);
  ask();
  for (let sequence = 1; sequence <= 3; sequence++) relay.deliver({ sequence, id: "same" });
  ask();
  relay.deliver({ sequence: 4, mayBeKnown: true });
  ask();
  relay.role.leave(other);
  ask();
  ask(false);
  assert.deepEqual(relay.wants, [5, 2, 1, 0, 0]);
});

Deno.test("whatever happens, no agent has more than its concurrency or one id twice, and nothing is lost", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant("deliver" as const), id: fc.constantFrom("a", "b", "c", "d") }),
      fc.record({ do: fc.constant("finish" as const), agent: fc.nat(2) }),
      fc.record({ do: fc.constant("drain" as const), agent: fc.nat(2) }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), (all, v1) => {
      const relay = new FakeEffects();
      const { role } = relay;
      const agents = v1.map((each, index) => relay.agent({ concurrency: index + 1, v1: each }));
      let [delivered, finished] = [0, 0];
      for (const step of all) {
        if (step.do === "deliver") relay.deliver({ sequence: ++delivered, id: step.id });
        else {
          const agent = agents[step.agent];
          const [attempt] = agent?.attempts() ?? [];
          if (step.do === "drain") agent?.drain();
          else if (attempt !== undefined) {
            finished++;
            attempt.answered({ text: "{}", type: "result" });
            relay.stores.at(-1)?.onSettled({ kind: "stored" });
          }
          role.handOut();
        }
        for (const agent of agents) {
          const ids = agent.attempts().map(({ id }) => id);
          assert.ok(ids.length <= agent.concurrency);
          if (!agent.v1) assert.equal(new Set(ids).size, ids.length);
        }
        role.pull(true);
        const free = agents.reduce((sum, agent) => sum + agent.free, 0);
        assert.ok((relay.wants.at(-1) ?? 0) <= free);
      }
      const held = agents.reduce((sum, agent) => sum + agent.taken, 0);
      const released = relay.told.filter((line) => line.startsWith("release ")).length;
      assert.equal(held + role.queued.size + finished + released, delivered);
      assert.equal(relay.attempts.size, held + role.queued.size);
    }),
  );
});

Deno.test("an agent gets work that it had last only if no other one can take it", () => {
  const relay = new FakeEffects();
  const [one, two] = ["one", "two"].map((agentId) => relay.agent({ agentId, v1: true }));
  assert.ok(one && two);
  const tried = {
    ...{ id: "1", isSpent: false, since: performance.now() },
    record: { attempt: 1, agent_id: "one", reason: "retry", charges: [] },
  } as unknown as AttemptView;
  const spent = { ...tried.record, charges: [{ attempt: 1, agent_id: "one", reason: "retry" }] };
  const find = (attempt: object) => relay.role.findSlot({ ...tried, ...attempt });
  assert.equal(find({}), two);
  relay.deliver({ sequence: 8, record: tried.record });
  assert.equal(find({}), "wait", "the other one may be free in time");
  assert.equal(find({ since: performance.now() - 30_001 }), one);
  relay.role.slotsChanged(one);
  assert.equal(find({ since: performance.now() - 30_001, isSpent: true, record: spent }), "wait");
  two.drain();
  relay.role.slotsChanged(two);
  assert.equal(find({}), one);
  assert.equal(find({ record: NO_ATTEMPTS }), undefined, "its slot is to be taken at once");
});

Deno.test("what waits for another agent takes nothing from those that wait for work, up to their slots", () => {
  const relay = new FakeEffects();
  relay.agent({ agentId: "one", v1: true, concurrency: 2 });
  const busy = relay.agent({ agentId: "two", v1: true });
  relay.deliver({ sequence: 1, record: { ...NO_ATTEMPTS, attempt: 1, agent_id: "one" } });
  assert.equal(busy.free, 0);
  const asked = [2, 3, 4, 5, 6].map((sequence) => {
    const record = { attempt: 1, agent_id: "one", reason: "retry", charges: [] };
    assert.equal(relay.deliver({ sequence, record }).state, "queued");
    relay.role.pull(true);
    return relay.wants.at(-1);
  });
  assert.deepEqual(asked, [2, 2, 2, 1, 0]);
});

Deno.test("a role is open while one of its agents takes work", () => {
  const relay = new FakeEffects();
  const [one, two] = [relay.agent(), relay.agent()];
  relay.role.leave(one);
  assert.equal(relay.role.open, true);
  two.drain();
  assert.equal(relay.role.open, false);
});
