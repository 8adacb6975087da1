/**
 * What the machine of attempts does, case by case. attempt_test.ts runs them on the real one, and
 * attempt_mutations_test.ts on machines with a fault.
 *
 * @module
 */
import assert from "node:assert/strict";
import { NO_ATTEMPTS } from "@ourocodus/protocol";
import { UNCHARGED } from "../settlement.ts";
import { type FakeEffects, leaseOf } from "./fake_effects.ts";

const RESULT = { text: "{}", type: "result" };
const OPEN = {
  kind: "open",
  data: new TextEncoder().encode('{"id":"1"}'),
  record: NO_ATTEMPTS,
} as const;

/** @param newRelay Makes a relay without NATS. */
export type AttemptCase = (newRelay: () => FakeEffects) => void;

/** By what they show. */
export const ATTEMPT_CASES: Readonly<Record<string, AttemptCase>> = {
  "delivered, given, answered, stored: then it has ended, and the slot is free": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = relay.deliver();
    assert.deepEqual([attempt.state, agent.free, agent.hears()], ["running", 0, ["work 1"]]);
    attempt.answered(RESULT);
    assert.deepEqual([attempt.state, agent.free, agent.idle], ["settling", 1, false]);
    relay.stores[0]?.onSettled({ kind: "stored" });
    assert.deepEqual([attempt.state, agent.idle, relay.attempts.size], ["ended", true, 0]);
    assert.deepEqual(relay.told, ["offered 1 to a", "tell a stored"]);
  },

  "what may have run out is neither released nor left, until it is delivered once more": (
    newRelay,
  ) => {
    for (const end of ["release", "leave"] as const) {
      const relay = newRelay();
      const letGo = () => {
        const agent = relay.agent({ agentId: end === "leave" ? "a" : undefined, v1: true });
        const attempt = relay.deliver();
        // One more: a sum of fractions may be a little less.
        attempt.extend(attempt.keptAt + 30_001, 30_000);
        return { agent, attempt };
      };
      const { agent, attempt } = letGo();
      attempt.relayDrains();
      assert.equal(attempt.state, "ended");
      relay.role.leave(agent);
      const again = letGo().attempt;
      const keptAt = again.keptAt;
      assert.equal(again.renew(leaseOf(2)), true);
      assert.ok(again.keptAt < keptAt, "it was delivered just now");
      again.relayDrains();
      const released = relay.told.filter((line) => !/^offered|^released/.test(line));
      const last = end === "leave" ? "extend 2" : "release 2, 0, unrecorded";
      assert.deepEqual(released, ["extend 1", "extend 1", last]);
    }
  },

  "work that is withdrawn from a plain agent keeps its slot until the agent has answered": (
    newRelay,
  ) => {
    for (const end of ["answered", "retried", "socket lost"] as const) {
      const relay = newRelay();
      const agent = relay.agent({ agentId: "a" });
      const attempt = relay.deliver();
      attempt.withdrawn("cancelled");
      assert.deepEqual([attempt.state, agent.free], ["superseded", 0]);
      attempt.redelivered(leaseOf(2));
      attempt.extend(attempt.keptAt + 1, 30_000);
      assert.deepEqual(relay.told.splice(0), ["offered 1 to a", "acknowledge 2"]);
      if (end === "answered") attempt.answered(RESULT);
      else if (end === "retried") attempt.retried({ code: "retry", message: "" }, UNCHARGED);
      else attempt.socketLost();
      assert.deepEqual([attempt.state, agent.free], ["ended", 1]);
      assert.deepEqual(relay.told, end === "answered" ? ["tell a duplicate"] : []);
    }
  },

  "a v1 agent whose socket broke goes on with what it names, and loses what it does not": (
    newRelay,
  ) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true, concurrency: 2 });
    const [one, two] = [relay.deliver(), relay.deliver({ sequence: 8, id: "2" })];
    agent.gone({ code: 1006, reason: "cable" });
    relay.role.leave(agent);
    for (const attempt of [one, two]) attempt.socketLost();
    assert.deepEqual([one.state, relay.attempts.awayOf(agent).length], ["away", 2]);
    const back = relay.agent({ agentId: "a", v1: true, concurrency: 2 });
    for (const attempt of relay.attempts.awayOf(agent)) attempt.agentBack(back);
    assert.deepEqual([back.free, relay.graces.size], [0, 0]);
    one.resumed(back, one.lease);
    for (const attempt of back.attempts()) attempt.notNamed();
    assert.deepEqual([one.state, two.state, back.free], ["running", "ended", 1]);
    assert.deepEqual(back.hears(), ["relay.resumed 1"]);
    assert.match(relay.told.join("\n"), /released: disconnected, the agent came back without it/);
  },

  "an agent that has not come back in time, or said goodbye, has lost its work": (newRelay) => {
    for (const code of [1006, 1000]) {
      const relay = newRelay();
      const agent = relay.agent({ agentId: "a", v1: true });
      const attempt = relay.deliver();
      agent.gone({ code, reason: "why" });
      attempt.socketLost();
      relay.graces.get(attempt)?.();
      assert.equal(attempt.state, "ended");
      assert.deepEqual(relay.told.slice(1), ["released: disconnected, why", "release 1, 0"]);
      assert.deepEqual([relay.graces.size, relay.attempts.awayOf(agent)], [0, []]);
    }
  },

  "what an agent says of a lease that is looked up is heard when that is known": (newRelay) => {
    for (const found of [OPEN, { kind: "elsewhere" }, { kind: "gone" }] as const) {
      const relay = newRelay();
      const agent = relay.agent({ agentId: "a", v1: true });
      const other = relay.agent({ agentId: "b", v1: true });
      const attempt = relay.deliver({ attempt: 2, mayBeKnown: true });
      const asked = attempt.resumed(agent, leaseOf(1));
      assert.ok(asked);
      assert.equal(attempt.resumed(agent, leaseOf(1)), undefined, "it is looked up once");
      attempt.resumed(other, leaseOf(1));
      const heard: string[] = [];
      attempt.defers({ characters: 5, hear: () => heard.push(attempt.state) });
      assert.deepEqual([relay.said, agent.free, attempt.number], [5, 0, 1]);
      relay.checks[0]?.onFound(OPEN);
      assert.equal(attempt.state, "resuming", "what was asked before does not count any more");
      attempt.resumptionChecked(asked, found);
      const has = found === OPEN;
      assert.deepEqual([relay.said, agent.free], [0, has ? 0 : 1]);
      assert.deepEqual(heard, [has ? "running" : "ended"]);
      const lost = found.kind === "gone" ? "answered" : "lease_lost";
      assert.deepEqual(agent.hears(), has ? ["relay.resumed 1"] : [`relay.cancel 1 ${lost}`]);
      assert.deepEqual(other.hears(), ["relay.cancel 1 lease_lost"]);
    }
  },

  "a newer connection of the agent takes its questions over, without what the older one said": (
    newRelay,
  ) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = relay.deliver({ attempt: 2, mayBeKnown: true });
    const asked = attempt.resumed(agent, leaseOf(1));
    attempt.defers({ characters: 5, hear: () => assert.fail("it says it again") });
    const newer = relay.agent({ agentId: "a", v1: true });
    const askedAgain = attempt.resumed(newer, leaseOf(1));
    assert.ok(asked && askedAgain);
    assert.deepEqual([agent.free, newer.free, relay.said], [1, 0, 0]);
    attempt.resumptionChecked(asked, { kind: "elsewhere" });
    attempt.resumptionChecked(askedAgain, OPEN);
    assert.deepEqual([attempt.state, attempt.holder], ["running", newer]);
    assert.deepEqual([agent.hears(), newer.hears()], [[], ["relay.resumed 1"]]);
  },

  "no more than a thousand messages wait until it is known whose they are": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = relay.deliver({ attempt: 2, mayBeKnown: true });
    assert.equal(attempt.defers({ characters: 1, hear: () => {} }), false);
    attempt.resumed(agent, leaseOf(1));
    const said = Array.from(
      { length: 1_001 },
      () => attempt.defers({ characters: 1, hear: () => {} }),
    );
    assert.deepEqual([said.indexOf(false), relay.said], [1_000, 1_000]);
  },

  "a plain agent that is back is sent what may not have arrived, unless it has answered meanwhile":
    (newRelay) => {
      for (const answers of [false, true]) {
        const relay = newRelay();
        const first = relay.agent({ agentId: "a" });
        const attempt = relay.deliver();
        const second = relay.agent({ agentId: "a" });
        attempt.agentBack(second);
        if (answers) attempt.answered(RESULT);
        relay.reads[0]?.('{"id":"1","type":"work","payload":{}}');
        assert.deepEqual([first.free, second.hears()], [1, answers ? [] : ["work"]]);
      }
    },

  "a plain agent that is back has its slot free if its work is gone from the queue": (newRelay) => {
    const relay = newRelay();
    relay.agent({ agentId: "a" });
    const attempt = relay.deliver();
    const second = relay.agent({ agentId: "a" });
    attempt.agentBack(second);
    relay.reads[0]?.(undefined);
    assert.deepEqual([attempt.state, second.free], ["ended", 1]);
  },

  "another protocol is another program, to which its leases mean nothing": (newRelay) => {
    const relay = newRelay();
    relay.agent({ agentId: "a" });
    const attempt = relay.deliver();
    attempt.agentBack(relay.agent({ agentId: "a", v1: true }));
    assert.deepEqual([attempt.state, relay.told.at(-1)], ["ended", "release 1, 0"]);
  },

  "an agent that resumes at another relay has its work there, and another one does not": (
    newRelay,
  ) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const running = relay.deliver();
    assert.equal(running.objectsTo(leaseOf(1), "b"), true);
    assert.equal(running.objectsTo(leaseOf(0), "a"), true, "it has a later attempt here");
    assert.equal(running.objectsTo(leaseOf(1), "a"), false);
    assert.deepEqual([running.state, agent.closed], ["ended", true]);
    const waiting = relay.deliver({ attempt: 2, mayBeKnown: true });
    assert.equal(waiting.objectsTo(leaseOf(1), "b"), false);
    assert.deepEqual([waiting.state, relay.role.reserved], ["ended", 0]);
  },

  "an agent that has said what it has does not get what it has not named": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = relay.deliver({ attempt: 2, mayBeKnown: true });
    const asked = attempt.resumed(agent, leaseOf(1));
    assert.ok(asked);
    agent.gone({ code: 1006, reason: "cable" });
    const back = relay.agent({ agentId: "a", v1: true });
    back.hasResumed = true;
    attempt.resumptionChecked(asked, OPEN);
    assert.deepEqual([attempt.state, back.free, relay.told.at(-1)], ["ended", 1, "release 2, 0"]);
  },

  "what is delivered here while an agent resumes it goes back if another relay objects": (
    newRelay,
  ) => {
    for (const lapsed of [false, true]) {
      const relay = newRelay();
      const agent = relay.agent({ agentId: "a", v1: true });
      const attempt = relay.deliver({ attempt: 2, mayBeKnown: true });
      const asked = attempt.resumed(agent, leaseOf(1));
      assert.ok(asked);
      attempt.redelivered(leaseOf(3));
      // One more: a sum of fractions may be a little less.
      if (lapsed) attempt.extend(attempt.keptAt + 30_001, 30_000);
      attempt.resumptionChecked(asked, { kind: "elsewhere" });
      assert.deepEqual(relay.told, lapsed ? ["extend 3"] : ["put back 3"]);
      assert.deepEqual(agent.hears(), ["relay.cancel 1 lease_lost"]);
    }
  },

  "what another relay has too is that one's when the agent's socket is gone here": (newRelay) => {
    for (const when of ["away", "running", "named since"] as const) {
      const relay = newRelay();
      const agent = relay.agent({ agentId: "a", v1: true });
      const attempt = relay.deliver();
      const lose = () => {
        agent.gone({ code: 1006, reason: "cable" });
        attempt.socketLost();
      };
      if (when === "away") lose();
      attempt.heldElsewhere();
      if (when === "named since") attempt.named();
      if (when !== "away") lose();
      assert.equal(attempt.state, when === "named since" ? "away" : "ended");
      assert.deepEqual(relay.told, ["offered 1 to a"], "nothing is released");
    }
  },

  "an agent that is back here from another relay has its work here when that one was asked": (
    newRelay,
  ) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = relay.deliver();
    attempt.heldElsewhere();
    agent.hears();
    const asked = attempt.resumed(agent, leaseOf(1));
    assert.deepEqual([attempt.state, agent.hears()], ["resuming", []]);
    assert.ok(asked);
    attempt.resumptionChecked(asked, OPEN);
    assert.deepEqual([attempt.state, agent.hears()], ["running", ["relay.resumed 1"]]);
    agent.gone({ code: 1006, reason: "cable" });
    attempt.socketLost();
    assert.equal(attempt.state, "away", "no other relay has it");
  },

  "an agent's lease of a later attempt takes the place of an earlier one's": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = relay.deliver({ attempt: 2, mayBeKnown: true });
    attempt.resumed(agent, leaseOf(1));
    const newer = relay.agent({ agentId: "a", v1: true });
    const asked = attempt.resumed(newer, leaseOf(3));
    assert.ok(asked);
    attempt.resumptionChecked(asked, OPEN);
    assert.deepEqual([attempt.number, attempt.lease.attempt, newer.hears()], [3, 3, [
      "relay.resumed 3",
    ]]);
  },

  "a role hears that a slot is not needed any more": (newRelay) => {
    const relay = newRelay();
    relay.agent({ concurrency: 2 });
    const [, queued] = [relay.deliver(), relay.deliver({ sequence: 8 })];
    const checking = relay.deliver({ sequence: 9, attempt: 2, mayBeKnown: true });
    assert.deepEqual([queued.state, checking.state, relay.roleChanges], ["queued", "checking", 0]);
    queued.withdrawn("cancelled");
    checking.withdrawn("cancelled");
    assert.deepEqual([relay.roleChanges, relay.role.queued.size, relay.role.reserved], [2, 0, 0]);
  },

  "what an agent says that it has is found by its work once that is known": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = relay.claim(agent);
    const asked = attempt.resumed(agent, attempt.lease);
    assert.ok(asked);
    assert.deepEqual(relay.slotChanges, [agent], "no work is pulled for its slot");
    attempt.resumptionChecked(asked, OPEN);
    assert.deepEqual(relay.verifiedOnes, [attempt]);
  },
};
