/**
 * What attempts cost their work item, and how long they may take, case by case; see attempt_cases.ts.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type AttemptRecord, NO_ATTEMPTS } from "@ourocodus/protocol";
import { UNCHARGED } from "../settlement.ts";
import type { AttemptCase } from "./attempt_cases.ts";
import { leaseOf } from "./fake_effects.ts";

const RESULT = { text: "{}", type: "result" };
const OPEN = {
  kind: "open",
  data: new TextEncoder().encode('{"id":"1"}'),
  record: NO_ATTEMPTS,
} as const;

/** What so many attempts of one agent have left. */
function chargedTo(agent_id: string, count: number): AttemptRecord {
  const charges = Array.from({ length: count }, (_, index) => {
    return { attempt: index + 1, agent_id, reason: "retry" };
  });
  return { attempt: count, agent_id, reason: "retry", error: "no", charges };
}

/** By what they show. */
export const SETTLEMENT_CASES: Readonly<Record<string, AttemptCase>> = {
  "work that enough attempts of one agent were charged to dies, unless another agent is there": (
    newRelay,
  ) => {
    for (const other of ["none", "here", "at another relay"] as const) {
      const relay = newRelay();
      relay.agent({ agentId: "a", v1: true });
      if (other === "here") relay.agent({ agentId: "b", v1: true });
      const attempt = relay.deliver({ attempt: 4, record: chargedTo("a", 3) });
      if (other === "here") {
        assert.deepEqual(relay.told, ["offered 4 to b"]);
        continue;
      }
      const words = "given up after 3 attempts; the last one: retry, no";
      assert.deepEqual([attempt.state, ...relay.told.splice(0)], ["settling", `dead: ${words}`]);
      relay.burials[0]?.onBuried(other === "none");
      assert.equal(attempt.state, "ended");
      assert.deepEqual(relay.told, other === "none" ? [] : ["put off 4, 1 s"]);
    }
  },

  "work that attempts of different agents were charged to dies, whoever else is there": (
    newRelay,
  ) => {
    const relay = newRelay();
    relay.agent({ agentId: "a", v1: true });
    relay.agent({ agentId: "c", v1: true });
    const { charges, ...last } = chargedTo("a", 2);
    const record = { ...last, charges: [{ ...charges[0], agent_id: "b" }, ...charges] };
    const attempt = relay.deliver({ attempt: 4, record: record as AttemptRecord });
    assert.equal(attempt.state, "settling");
    const agent = relay.agent({ agentId: "d", v1: true });
    const two = relay.deliver({ attempt: 3, sequence: 8, record: { ...last, charges } });
    assert.notEqual(two.agentId, "a");
    two.retried({ code: "retry", message: "" }, { delayMs: 0, charged: true });
    assert.deepEqual([two.state, agent.takesWork], ["settling", true]);
  },

  "work that waits for an agent that has not tried it dies when the last such agent is gone": (
    newRelay,
  ) => {
    const relay = newRelay();
    relay.agent({ agentId: "a", v1: true });
    const other = relay.agent({ agentId: "b", v1: true });
    relay.deliver({ sequence: 8, record: chargedTo("a", 1) });
    const attempt = relay.deliver({ attempt: 4, record: chargedTo("a", 3) });
    assert.equal(attempt.state, "queued");
    relay.role.handOut();
    assert.equal(attempt.state, "queued");
    relay.role.leave(other);
    relay.role.handOut();
    assert.equal(attempt.state, "settling");
  },

  "work that is spent by one agent is another one's, also after that one could not do it": (
    newRelay,
  ) => {
    const relay = newRelay();
    relay.agent({ agentId: "a", v1: true });
    relay.agent({ agentId: "b", v1: true });
    const first = relay.deliver({ attempt: 4, record: chargedTo("a", 3) });
    first.retried({ code: "limited", message: "" }, { delayMs: 0, charged: false });
    const next = relay.deliver({ attempt: 5, record: first.record });
    assert.deepEqual([next.state, next.agentId], ["running", "b"]);
  },

  "a deadline begins with the first attempt, and is later for what is given more time": (
    newRelay,
  ) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const fields = { deadline_ms: 60_000 };
    relay.limits = { deadline: { at: 0, message: "" } };
    const attempt = relay.deliver({ fields });
    const begun = new Date(attempt.deliveredAt).toISOString();
    assert.deepEqual([attempt.record.begun, relay.told[0]], [begun, `store, begun ${begun}`]);
    attempt.prolong(5_000);
    const later = new Date(attempt.deliveredAt + 5_000).toISOString();
    assert.deepEqual([attempt.record.begun, relay.told.at(-1)], [later, `store, begun ${later}`]);
    assert.deepEqual([attempt.time?.moreMs, attempt.time?.limits.deadline?.at], [5_000, 5_000]);
    attempt.named();
    assert.ok((attempt.time?.heardAt ?? 0) > performance.now() + 4_000, "it need not say anything");
    attempt.retried({ code: "limited", message: "" }, { delayMs: 3_600_000, charged: false });
    const [, delay] = /^release 1, (\d+)/.exec(relay.told.at(-1) ?? "") ?? [];
    assert.ok(Number(delay) <= 65_000, "nobody waits longer than for its deadline");
    assert.equal(agent.free, 1);
  },

  "work whose time is over while it waits for an agent gets an error": (newRelay) => {
    const relay = newRelay();
    relay.agent({ agentId: "a", v1: true });
    relay.agent({ agentId: "b", v1: true });
    relay.deliver({ sequence: 8, record: chargedTo("a", 1) });
    const begun = new Date(Date.now() - 60_000).toISOString();
    const record = { ...chargedTo("a", 1), begun };
    const attempt = relay.deliver({ attempt: 2, record, fields: { deadline_ms: 60_020 } });
    assert.equal(attempt.state, "queued");
    const until = performance.now() + 30;
    while (performance.now() < until);
    relay.role.handOut();
    assert.equal(attempt.state, "settling");
  },

  "what is being failed goes to nobody else when its plain agent is gone or gives it back": (
    newRelay,
  ) => {
    for (const end of ["retried", "socket lost", "drained"] as const) {
      const relay = newRelay();
      relay.agent({ agentId: "a" });
      const attempt = relay.deliver();
      attempt.deadlineOver("too long");
      if (end === "retried") attempt.retried({ code: "retry", message: "" }, UNCHARGED);
      else if (end === "drained") attempt.relayDrains();
      else attempt.socketLost();
      assert.deepEqual([attempt.state, relay.told], ["ended", ["offered 1 to a"]]);
    }
  },

  "what another relay has too is that one's when its agent says nothing here": (newRelay) => {
    const relay = newRelay();
    relay.agent({ agentId: "a", v1: true });
    const attempt = relay.deliver();
    attempt.heldElsewhere();
    attempt.noProgress("it sleeps");
    assert.deepEqual([attempt.state, relay.told], ["ended", ["offered 1 to a"]]);
  },

  "work that comes before its time is put off, without asking an agent": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const at = (ms: number) => new Date(Date.now() + ms).toISOString();
    for (
      const [not_before, told] of [[at(60_000), "put off 2, 60 s"], [at(-1), "offered 2 to a"]]
    ) {
      const record = { ...chargedTo("b", 1), not_before };
      const attempt = relay.deliver({ attempt: 2, mayBeKnown: true });
      relay.checks.shift()?.onFound({ ...OPEN, record });
      assert.deepEqual(relay.told.splice(0), [told]);
      assert.equal(attempt.state, told?.startsWith("put") ? "ended" : "running");
    }
    assert.deepEqual(agent.hears(), ["work 2"]);
  },

  "work that is over its deadline gets an error, whoever has it": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const running = relay.deliver();
    running.deadlineOver("too long");
    assert.deepEqual([running.state, agent.free], ["settling", 1]);
    assert.deepEqual(agent.hears(), ["work 1", "relay.cancel 1 deadline_exceeded"]);
    const away = relay.deliver();
    agent.gone({ code: 1006, reason: "cable" });
    away.socketLost();
    away.deadlineOver("too long");
    const waiting = relay.deliver({
      attempt: 2,
      fields: { deadline_ms: 1 },
      record: { ...chargedTo("b", 1), begun: "2026-01-01T00:00:00Z" },
    });
    const all = [running, away, waiting];
    assert.deepEqual(all.map(({ state }) => state), ["settling", "settling", "settling"]);
    assert.equal(relay.graces.size, 0);
    for (const { answer: { text, type }, onSettled } of relay.stores) {
      assert.deepEqual([JSON.parse(text).payload.code, type], ["deadline_exceeded", "error"]);
      onSettled({ kind: "stored" });
    }
    assert.deepEqual(all.map(({ state }) => state), ["ended", "ended", "ended"]);
  },

  "a plain agent keeps its slot when its work is over its deadline, until it has answered": (
    newRelay,
  ) => {
    for (const answers of [false, true]) {
      const relay = newRelay();
      const agent = relay.agent({ agentId: "a" });
      const attempt = relay.deliver();
      attempt.deadlineOver("too long");
      assert.deepEqual([attempt.state, agent.free], ["running", 0], "until the error is stored");
      if (answers) attempt.answered(RESULT);
      relay.stores[0]?.onSettled({ kind: answers ? "duplicate" : "stored", accepted: undefined });
      assert.equal(attempt.state, answers ? "settling" : "superseded");
      assert.equal(agent.free, answers ? 1 : 0);
    }
  },

  "an agent without progress loses its work, and is told or closed": (newRelay) => {
    for (const v1 of [true, false]) {
      const relay = newRelay();
      const agent = relay.agent({ agentId: "a", v1 });
      const attempt = relay.deliver();
      attempt.noProgress("it sleeps");
      assert.deepEqual([attempt.state, agent.closed], ["ended", !v1]);
      assert.deepEqual(relay.told.slice(1), [
        ...["released: no_progress, it sleeps, charged", "release 1, 0"],
      ]);
      assert.deepEqual(agent.hears(), v1 ? ["work 1", "relay.cancel 1 no_progress"] : []);
    }
  },

  "work with a limit that is none is refused": (newRelay) => {
    const relay = newRelay();
    relay.agent();
    const attempt = relay.deliver({ fields: { deadline_ms: 0 } });
    assert.equal(attempt.state, "settling");
    assert.match(relay.told[0] ?? "", /^dead: deadline_ms is 0, allowed is /);
  },

  "attempts count on where the queue begins to count anew": (newRelay) => {
    const relay = newRelay();
    relay.agent({ agentId: "b", v1: true });
    const attempt = relay.deliver({ attempt: 1, record: chargedTo("a", 2) });
    assert.deepEqual([attempt.number, attempt.lease.attempt], [3, 3]);
  },

  "what an agent gives back is charged as it says, and names the agent": (newRelay) => {
    const relay = newRelay();
    relay.agent({ agentId: "a", v1: true });
    const attempt = relay.deliver();
    // Delivered again while the agent had it, it is one attempt still.
    for (const number of [2, 3]) attempt.redelivered(leaseOf(number));
    attempt.retried({ code: "retry", message: "no" }, { delayMs: 0, charged: true });
    assert.deepEqual(relay.told.slice(-2), ["released: retry, no, charged", "release 3, 0"]);
    const charge = { attempt: 1, agent_id: "a", reason: "retry" };
    const begun = new Date(attempt.deliveredAt).toISOString();
    assert.deepEqual(attempt.record, { ...charge, error: "no", begun, charges: [charge] });
    const { record } = attempt;
    const next = relay.deliver({ attempt: 4, record });
    next.retried({ code: "limited", message: "" }, { delayMs: 5_000, charged: false });
    assert.deepEqual(relay.told.slice(-2), ["released: limited", "release 4, 5000"]);
    assert.deepEqual(next.record.charges, [charge]);
    const wait = Date.parse(next.record.not_before ?? "") - Date.now();
    assert.ok(wait > 0 && wait <= 5_000);
  },

  "the last charge that is allowed is the end, in so many words": (newRelay) => {
    for (const error of ["no", ""]) {
      const relay = newRelay();
      relay.agent({ agentId: "a", v1: true });
      const attempt = relay.deliver({ attempt: 3, record: chargedTo("a", 2) });
      attempt.retried({ code: "disconnected", message: error }, { delayMs: 0, charged: true });
      const words = `disconnected${error === "" ? "" : ", no"}`;
      assert.equal(relay.told.at(-1), `dead: given up after 3 attempts; the last one: ${words}`);
    }
  },

  "an agent that is lost before its work has left is not charged": (newRelay) => {
    for (const how of ["sent", "not sent", "not sent, and it is back"] as const) {
      const relay = newRelay();
      const agent = relay.agent({ agentId: "a", v1: true });
      const attempt = relay.deliver();
      if (how === "sent") agent.hears();
      if (how === "not sent, and it is back") {
        attempt.agentBack(relay.agent({ agentId: "a", v1: true }));
        attempt.notNamed();
      } else {
        agent.gone({ code: 1000, reason: "bye" });
        relay.role.leave(agent);
        attempt.socketLost();
      }
      assert.deepEqual([attempt.state, attempt.record.charges.length], [
        "ended",
        how === "sent" ? 1 : 0,
      ]);
    }
  },

  "an agent that has said something about its work has it": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ v1: true });
    const attempt = relay.deliver();
    attempt.named();
    agent.gone({ code: 1006, reason: "cable" });
    attempt.socketLost();
    assert.equal(attempt.record.charges.length, 1);
  },
};
