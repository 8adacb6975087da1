/**
 * What has to hold in a world of attempts, after each step and at its end.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { KeptAgent } from "./fake_effects.ts";
import type { WorldAgent } from "./world_agent.ts";
import { identityOf, type WorldQueue } from "./world_queue.ts";
import type { WorldRelay } from "./world_relay.ts";

/** What is looked at. */
export interface World {
  readonly queue: WorldQueue;
  readonly agents: readonly WorldAgent[];
  readonly relays: readonly WorldRelay[];
  /** Answers that relays have heard, and of which they have told agents what became. */
  readonly heard: number;
  readonly told: number;
  /** What agents have said too early. */
  readonly said: readonly { readonly connection: KeptAgent; readonly heard: boolean }[];
}

/** What holds after each step. */
export function holds({ queue, agents, relays }: World): void {
  for (const relay of relays) {
    assert.ok(relay.role.reserved >= 0, "nothing is reserved twice");
    for (const agent of relay.role.agents) {
      assert.ok(agent.free >= 0 && agent.unsettled >= 0);
      for (const attempt of agent.attempts()) {
        assert.equal(attempt.holder, agent, "a slot is taken by what its agent has");
      }
    }
  }
  for (const work of queue.works) {
    const attempts = relays.flatMap(({ attempts }) => attempts.get(identityOf(work)) ?? []);
    const running = attempts.filter(({ state, holder }) =>
      state === "running" && agents.some(({ connection }) => connection === holder)
    );
    const having = new Set(running.map(({ agentId }) => agentId));
    assert.ok(having.size < 2 || work.lapsed, "two have it, and no lease has lapsed");
    assert.ok(
      running.length === 0 || work.conversation === undefined || work.lapsed || work.acknowledged ||
        !queue.works.some((earlier) =>
          earlier.sequence < work.sequence && earlier.conversation === work.conversation &&
          !earlier.acknowledged
        ),
      "nobody has work while earlier work of its conversation is open",
    );
    const isOpen = work.outcome === undefined && !work.dead;
    const isLeased = work.leasedUntil > queue.now && isOpen;
    const pending = relays.some(({ pendingReleases, stores }) =>
      [...pendingReleases, ...stores.map(({ attempt }) => attempt)]
        .some(({ lease }) => lease.sequence === work.sequence)
    );
    assert.ok(
      !isLeased || attempts.length > 0 || work.left || work.lapsed || pending,
      "what nobody has is in the queue",
    );
  }
}

/** What holds when everything has come to its end. */
export function hasEnded({ queue, agents, relays, heard, told, said }: World): void {
  for (const relay of relays) {
    assert.equal(relay.attempts.size, 0, "every attempt ends");
    assert.deepEqual([relay.said, relay.graces.size, relay.role.reserved], [0, 0, 0]);
    assert.deepEqual([relay.role.queued.size, relay.role.inLine.size, relay.lines.size], [0, 0, 0]);
  }
  for (const { connection, named } of agents) {
    if (connection === undefined) continue;
    assert.deepEqual([connection.taken, connection.unsettled], [0, 0], "every slot is free");
    assert.equal(named.size, 0, "every lease that is named is answered");
  }
  assert.equal(told, heard, "every answer is answered");
  for (const { connection, heard } of said) {
    assert.ok(heard || connection.closed, "what was said too early is heard");
  }
  for (const work of queue.works) {
    assert.ok(work.acknowledged, `work ${work.sequence} is acknowledged`);
    assert.ok(work.outcome !== undefined || work.dead, "it has an outcome");
  }
}
