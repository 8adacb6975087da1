/**
 * What attempts do at work of conversations, case by case; see attempt_cases.ts.
 *
 * @module
 */
import assert from "node:assert/strict";
import { NO_ATTEMPTS } from "@ourocodus/protocol";
import type { Attempt } from "../attempt.ts";
import type { AttemptCase } from "./attempt_cases.ts";
import { type FakeEffects, leaseOf } from "./fake_effects.ts";

const CONVERSATION = { fields: { conversation: "c" } };

/** Work that waits for its turn. */
function inLine(relay: FakeEffects, fields: object = CONVERSATION.fields): Attempt {
  const attempt = relay.deliver({ fields });
  assert.deepEqual([attempt.state, attempt.conversation], ["in_line", "c"]);
  return attempt;
}

/** It hears what it is to do. */
function hears(relay: FakeEffects, turn: "now" | "later"): void {
  const [standing] = relay.lines;
  assert.ok(standing);
  standing.onTurn(turn === "now" ? { kind: "now" } : { kind: "later", delayMs: 5_000 });
}

/** By what they show. */
export const CONVERSATION_CASES: Readonly<Record<string, AttemptCase>> = {
  "work of a conversation takes no slot until it is its turn": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = inLine(relay);
    relay.role.pull(true);
    assert.deepEqual([relay.role.inLine.size, agent.free, relay.wants], [1, 1, [1]]);
    hears(relay, "now");
    assert.deepEqual([attempt.state, agent.hears(), relay.told], [
      "running",
      ["work 1"],
      ["offered 1 to a"],
    ]);
    assert.deepEqual([relay.role.inLine.size, relay.lines.size], [0, 0]);
  },

  "work whose turn comes later is put back, and nobody need be asked about it": (newRelay) => {
    const relay = newRelay();
    const attempt = inLine(relay);
    hears(relay, "later");
    assert.deepEqual([attempt.state, relay.attempts.size, relay.told], [
      "ended",
      0,
      ["release 1, 5000, unrecorded"],
    ]);
  },

  "work that is gone when its turn comes is nobody's": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = inLine(relay);
    const [standing] = relay.lines;
    standing?.onTurn({ kind: "gone" });
    assert.deepEqual([attempt.state, agent.free, relay.told], ["ended", 1, []]);
  },

  "what may have run out is not put back": (newRelay) => {
    const relay = newRelay();
    const attempt = inLine(relay);
    attempt.extend(attempt.keptAt + 30_001, 30_000);
    hears(relay, "later");
    assert.deepEqual([attempt.state, relay.told], ["ended", ["extend 1"]]);
  },

  "work that waits for its turn goes back when its role has no agent any more": (newRelay) => {
    const relay = newRelay();
    const attempt = inLine(relay);
    relay.role.turnAway("disconnected");
    assert.deepEqual([attempt.state, relay.told], ["ended", ["release 1, 0, unrecorded"]]);
    assert.equal(relay.lines.size, 0, "its turn is waited for no more");
  },

  "work that waits for its turn may be cancelled, resumed here, or resumed elsewhere": (
    newRelay,
  ) => {
    for (const end of ["cancelled", "here", "elsewhere"] as const) {
      const relay = newRelay();
      const agent = relay.agent({ agentId: "a", v1: true });
      const attempt = inLine(relay);
      if (end === "cancelled") attempt.withdrawn("cancelled");
      else if (end === "here") assert.equal(attempt.resumed(agent, leaseOf(1))?.kind, "resuming");
      else assert.equal(attempt.objectsTo(leaseOf(1), "a"), false);
      assert.equal(attempt.state, end === "here" ? "resuming" : "ended");
      assert.deepEqual([relay.lines.size, relay.told], [0, []]);
    }
  },

  "work whose time is over while it waits for its turn gets an error": (newRelay) => {
    const relay = newRelay();
    const begun = new Date(Date.now() - 1_000).toISOString();
    const record = { attempt: 1, reason: "retry", charges: [], begun };
    const attempt = relay.deliver({
      attempt: 2,
      record,
      fields: { conversation: "c", deadline_ms: 60_000 },
    });
    assert.equal(attempt.state, "in_line");
    const now = Date.now;
    try {
      Date.now = () => now() + 60_000;
      relay.role.handOut();
    } finally {
      Date.now = now;
    }
    assert.deepEqual([attempt.state, relay.stores.length, relay.lines.size], ["settling", 1, 0]);
  },

  "an agent that resumes work of a conversation has it as what it is": (newRelay) => {
    const relay = newRelay();
    const agent = relay.agent({ agentId: "a", v1: true });
    const attempt = relay.claim(agent);
    const asked = attempt.resumed(agent, leaseOf(1));
    assert.ok(asked);
    const text = '{"id":"1","type":"work","payload":{},"conversation":"c"}';
    const data = new TextEncoder().encode(text);
    attempt.resumptionChecked(asked, { kind: "open", data, record: NO_ATTEMPTS });
    assert.deepEqual([attempt.state, attempt.conversation], ["running", "c"]);
  },

  "work whose conversation is none is refused": (newRelay) => {
    for (const conversation of ["", "a b", "x".repeat(65), null, 7, ["c"]]) {
      const relay = newRelay();
      const attempt = relay.deliver({ fields: { conversation } });
      assert.equal(attempt.state, "settling");
      assert.match(relay.told[0] ?? "", /^dead: conversation /);
    }
  },
};
