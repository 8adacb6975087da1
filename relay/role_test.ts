import assert from "node:assert/strict";
import fc from "fast-check";
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
  assert.equal(relay.role.findSlot("1", "one"), two);
  two.drain();
  relay.role.slotsChanged(two);
  assert.equal(relay.role.findSlot("1", "one"), one);
  assert.equal(relay.role.findSlot("2"), undefined, "its slot is to be taken at once");
});

Deno.test("a role is open while one of its agents takes work", () => {
  const relay = new FakeEffects();
  const [one, two] = [relay.agent(), relay.agent()];
  relay.role.leave(one);
  assert.equal(relay.role.open, true);
  two.drain();
  assert.equal(relay.role.open, false);
});
