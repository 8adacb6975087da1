import assert from "node:assert/strict";
import type { Lease } from "@ourocodus/protocol";
import type { AgentConnection } from "../agent_connection.ts";
import type { Attempt } from "../attempt.ts";
import type { Found } from "../attempt_effects.ts";
import { type KeptAgent, leaseOf } from "./fake_effects.ts";
import { type Surroundings, WorldAgent } from "./world_agent.ts";
import { type Asked, type QueueAndLog, WorldRelay } from "./world_relay.ts";

const ACK_WAIT_MS = 30_000;
const MAX_WORKS = 6;
const MAX_AGENTS = 5;
const RELAYS = 2;
const MAX_DELIVER = 3;

/** A work item in the queue. */
interface QueuedWork {
  readonly sequence: number;
  readonly id: string;
  /** How often it was delivered. */
  deliveries: number;
  /** Until when it is leased; 0 if it waits. */
  leasedUntil: number;
  /** Whether its message is none. */
  readonly invalid: boolean;
  /** Whether a relay has left it to its agent, or to another relay. */
  left: boolean;
  /** Whether a lease of it has run out, so that two may have it. */
  lapsed: boolean;
  /** Of which attempt the accepted outcome is; 0 of a cancelled one. */
  outcome?: number;
  acknowledged: boolean;
  dead: boolean;
}

/**
 * Relays, agents, the queue and the log in one small world without NATS, in which the next step is
 * anybody's. Its time is its own.
 */
export class AttemptWorld implements QueueAndLog, Surroundings {
  readonly Attempt: typeof Attempt;
  readonly works: QueuedWork[] = [];
  readonly agents: WorldAgent[] = [];
  readonly relays: WorldRelay[];
  /** Ends of sockets that nobody has noticed yet. */
  readonly halfOpen: (() => void)[] = [];
  now = 1_000_000;

  /** @param attemptClass The machine, or one with a fault in it. */
  constructor(attemptClass: typeof Attempt) {
    this.Attempt = attemptClass;
    this.relays = Array.from({ length: RELAYS }, () => new WorldRelay(this, MAX_DELIVER));
  }

  /** Answers that relays have heard, and of which they have told agents what became. */
  heard = 0;
  told = 0;
  /** What agents have said too early. */
  readonly said: { readonly connection: KeptAgent; heard: boolean }[] = [];

  /** Does one step, which a number chooses. */
  step(choice: number): void {
    const which = Math.floor(choice / 32);
    const relay = this.relays[which % RELAYS];
    const agent = this.agents[Math.floor(which / 2) % Math.max(1, this.agents.length)];
    assert.ok(relay);
    switch (choice % 24) {
      case 0:
      case 1:
        this.#publish(which);
        break;
      case 2:
      case 3:
      case 4:
        this.#deliver(relay, which);
        break;
      case 5:
        this.#newAgent(relay, which);
        break;
      case 6:
        if (agent?.connection && which % 3 === 0) agent.isDeaf = true;
        else agent?.disconnect(which % 7 === 0 ? 1000 : 1006);
        break;
      case 7:
      case 8:
        // A plain agent answers where it was given its work: PROTOCOL.md says what it loses elsewhere.
        if (agent?.v1 === false && agent.name !== undefined) {
          agent.connect(this.relays[agent.home] ?? relay);
        } else if (agent !== undefined && (agent.name !== undefined || !agent.connection)) {
          agent.connect(relay);
        }
        break;
      case 9:
      case 10:
        agent?.answer(which, false);
        break;
      case 11:
        agent?.answer(which, true);
        break;
      case 12:
      case 13:
        this.#settle(relay, which);
        break;
      case 14:
        this.#bury(relay, which);
        break;
      case 15:
      case 16:
        this.#check(relay, which);
        break;
      case 17:
      case 18:
        this.#checkResumed(relay, which);
        break;
      case 19:
        this.#pass(which % 2 === 0 ? 11_000 : 31_000);
        break;
      case 20:
        this.#toggleNats(relay);
        break;
      case 21:
        this.#cancel(which);
        break;
      case 22:
        pick([...relay.graces.values()], which)?.();
        break;
      case 23:
        if (which % 4 === 0) this.#drain(relay);
        else if (which % 4 === 1) this.halfOpen.shift()?.();
        else this.#read(relay);
        break;
    }
    this.#endTurn();
    this.#holds();
  }

  /** Lets everything come to its end, and looks whether it has. */
  finish(): void {
    for (const end of this.halfOpen.splice(0)) end();
    for (const agent of this.agents) if (agent.isDeaf) agent.disconnect();
    for (let round = 0; round < 60; round++) {
      for (const relay of this.relays) {
        if (relay.natsIsAway) this.#toggleNats(relay);
        this.#resolveAll(relay);
      }
      for (const agent of this.agents) {
        while (agent.connection !== undefined && agent.working.size > 0) {
          agent.answer(0, false);
          this.#endTurn();
        }
      }
      for (const relay of this.relays) {
        for (const over of [...relay.graces.values()]) over();
        this.#resolveAll(relay);
      }
      if (round > 0 && this.agents.every(({ connection }) => connection === undefined)) {
        const helper = new WorldAgent(this, undefined, true);
        const relay = this.relays[0];
        assert.ok(relay);
        this.agents.push(helper);
        helper.connect(relay);
      }
      this.#pass(11_000);
      for (const relay of this.relays) this.#deliver(relay, round);
      this.#endTurn();
    }
    for (const relay of this.relays) {
      assert.equal(relay.attempts.size, 0, "every attempt ends");
      assert.deepEqual([relay.said, relay.graces.size, relay.role.reserved], [0, 0, 0]);
      assert.equal(relay.role.queued.size, 0);
    }
    for (const { connection, named } of this.agents) {
      if (connection === undefined) continue;
      assert.deepEqual([connection.taken, connection.unsettled], [0, 0], "every slot is free");
      assert.equal(named.size, 0, "every lease that is named is answered");
    }
    assert.equal(this.told, this.heard, "every answer is answered");
    for (const { connection, heard } of this.said) {
      assert.ok(heard || connection.closed, "what was said too early is heard");
    }
    for (const work of this.works) {
      assert.ok(work.acknowledged, `work ${work.sequence} is acknowledged`);
      assert.ok(work.outcome !== undefined || work.dead, "it has an outcome");
    }
  }

  // --- What relays do to the queue and the log ------------------------------------------------------

  extended(lease: Lease): void {
    const work = this.#leased(lease);
    if (work !== undefined) work.leasedUntil = this.now + ACK_WAIT_MS;
  }

  released({ lease, agentId }: Attempt): void {
    const work = this.#leased(lease);
    if (work === undefined) return;
    const isOthers = this.relays.some((relay) => {
      const attempt = relay.attempts.get(lease.work);
      return attempt?.state === "running" && attempt.agentId !== agentId;
    });
    assert.ok(!isOthers || work.lapsed, "nothing is released that another agent has");
    work.leasedUntil = 0;
  }

  putBack(lease: Lease): void {
    const work = this.#leased(lease);
    if (work !== undefined) work.leasedUntil = 0;
  }

  tellReleased(lease: Lease): void {
    for (const relay of this.relays) if (!relay.natsIsAway) relay.noteReleased(lease);
  }

  acknowledged(lease: Lease): void {
    const work = this.works[lease.sequence - 1];
    assert.ok(work);
    assert.ok(work.outcome !== undefined || work.dead, "only what has an outcome is acknowledged");
    work.acknowledged = true;
  }

  socketLost(relay: WorldRelay, agent: AgentConnection, code: number): void {
    agent.gone({ code, reason: "" });
    if (relay.connected.get(agent.agentId) === agent) relay.connected.delete(agent.agentId);
    relay.role.leave(agent);
    relay.changed = true;
    if (!relay.role.open) relay.role.turnAway("disconnected");
    for (const attempt of agent.attempts()) attempt.socketLost();
  }

  // --- Steps ----------------------------------------------------------------------------------------

  #publish(which: number): void {
    if (this.works.length >= MAX_WORKS) return;
    this.works.push({
      sequence: this.works.length + 1,
      // Two may have one id, which a plain agent cannot have at once.
      id: `w${which % 3}`,
      deliveries: 0,
      leasedUntil: 0,
      invalid: which % 13 === 0,
      left: false,
      lapsed: false,
      acknowledged: false,
      dead: false,
    });
  }

  #deliver(relay: WorldRelay, which: number): void {
    if (relay.natsIsAway || relay.draining || relay.wanted === 0) return;
    const ready = this.works.filter((work) => !work.acknowledged && work.leasedUntil <= this.now);
    const work = pick(ready, which);
    if (work === undefined) return;
    if (work.leasedUntil > 0) work.lapsed = true;
    relay.wanted--;
    relay.changed = true;
    work.left = false;
    work.deliveries++;
    work.leasedUntil = this.now + ACK_WAIT_MS;
    const lease = leaseOf(work.deliveries, work.sequence);
    const known = relay.attempts.find(lease);
    if (known !== undefined) return known.redelivered(lease);
    const attempt = new this.Attempt(lease, relay.role.id, relay);
    relay.attempts.add(attempt);
    const text = work.invalid ? "none" : JSON.stringify({ id: work.id, type: "work", payload: {} });
    attempt.delivered(
      relay.role,
      text,
      lease.attempt > 1 && !relay.wasReleased(lease),
    );
  }

  #newAgent(relay: WorldRelay, which: number): void {
    if (this.agents.length >= MAX_AGENTS) return;
    const name = which % 5 === 0 ? undefined : `a${this.agents.length}`;
    const agent = new WorldAgent(this, name, which % 3 > 0);
    this.agents.push(agent);
    agent.home = this.relays.indexOf(relay);
    agent.connect(relay);
  }

  #settle(relay: WorldRelay, which: number): void {
    if (relay.natsIsAway || relay.stores.length === 0) return;
    const [store] = relay.stores.splice(which % relay.stores.length, 1);
    const { attempt, onSettled } = store ?? {};
    const work = this.works[(attempt?.lease.sequence ?? 0) - 1];
    assert.ok(attempt && work && onSettled);
    const isFirst = work.outcome === undefined && !work.dead;
    if (isFirst) work.outcome = attempt.number;
    this.acknowledged(attempt.lease);
    onSettled(isFirst ? { kind: "stored" } : { kind: "duplicate", accepted: undefined });
  }

  #bury(relay: WorldRelay, which: number): void {
    if (relay.natsIsAway || relay.burials.length === 0) return;
    const [burial] = relay.burials.splice(which % relay.burials.length, 1);
    const work = this.works[(burial?.attempt.lease.sequence ?? 0) - 1];
    assert.ok(burial && work);
    if (work.outcome === undefined && !work.acknowledged) {
      const enough = burial.attempt.lease.attempt >= MAX_DELIVER;
      assert.ok(enough || work.invalid, "it dies of enough attempts");
      work.dead = true;
    }
    this.acknowledged(burial.attempt.lease);
    burial.onBuried();
  }

  #check(relay: WorldRelay, which: number): void {
    if (relay.natsIsAway || relay.checks.length === 0) return;
    const [check] = relay.checks.splice(which % relay.checks.length, 1);
    assert.ok(check);
    const { lease } = check.attempt;
    const keeps = this.#others(relay).map((other) => other.attempts.find(lease)?.renew(lease));
    check.onFound(keeps.includes(true) ? { kind: "elsewhere" } : this.find(lease));
  }

  #checkResumed(relay: WorldRelay, which: number): void {
    if (relay.natsIsAway || relay.resumptions.length === 0) return;
    const [resumption] = relay.resumptions.splice(which % relay.resumptions.length, 1);
    assert.ok(resumption);
    const isAsking = resumption.attempt.state === "resuming" &&
      resumption.attempt.holder === resumption.asked.agent;
    if (isAsking && resumption.objects === undefined) this.askOthers(relay, resumption);
    const { attempt, asked, objects = false } = resumption;
    const found = this.find(attempt.lease);
    const lost = found.kind === "open" && objects;
    // An agent has its work for itself as long as its relay reaches NATS (PROTOCOL.md).
    const work = this.works[attempt.lease.sequence - 1];
    const isCutOff = this.relays.some(({ natsIsAway, attempts }) => {
      return natsIsAway && attempts.get(attempt.lease.work)?.state === "running";
    });
    if (work !== undefined && isCutOff) work.lapsed = true;
    attempt.resumptionChecked(asked, lost ? { kind: "elsewhere" } : found);
  }

  /** Asks other relays whether they object. */
  askOthers(relay: WorldRelay, resumption: Asked): void {
    const { attempt: { lease }, asked: { agent: { agentId } } } = resumption;
    const objections = this.#others(relay).map((other) => {
      const attempt = other.attempts.find(lease);
      other.releasedWork.delete(lease.work);
      const objects = attempt?.objectsTo(lease, agentId) ?? false;
      if (attempt !== undefined && !objects) this.#left(lease);
      assert.ok(
        objects || other.attempts.find(lease) === undefined,
        "it is let go of, or objected",
      );
      return objects;
    });
    resumption.objects = objections.includes(true);
  }

  #read(relay: WorldRelay): void {
    if (!relay.natsIsAway) relay.reads.shift()?.("");
  }

  /** Time passes; relays that have NATS keep their leases meanwhile. */
  #pass(ms: number): void {
    for (let left = ms; left > 0; left -= 10_000) {
      this.now += Math.min(left, 10_000);
      for (const relay of this.relays) {
        if (relay.natsIsAway) continue;
        for (const attempt of relay.attempts) attempt.extend(this.now, ACK_WAIT_MS);
      }
    }
    // A ping is not answered.
    for (const agent of this.agents) if (agent.isDeaf) agent.disconnect();
    for (const work of this.works) {
      if (work.acknowledged || work.leasedUntil === 0 || work.leasedUntil > this.now) continue;
      work.lapsed = true;
      const held = this.relays.some(({ natsIsAway, attempts }) => {
        const attempt = natsIsAway ? undefined : attempts.get(identityOf(work));
        return attempt !== undefined && attempt.state !== "superseded";
      });
      assert.ok(!held, "no lease runs out that a relay holds");
    }
  }

  #toggleNats(relay: WorldRelay): void {
    relay.natsIsAway = !relay.natsIsAway;
    relay.releasedWork.clear();
    // An answer may have been lost.
    for (const resumption of relay.resumptions) delete resumption.objects;
    if (relay.natsIsAway) return;
    for (const attempt of [...relay.attempts]) {
      attempt.extend(this.now, ACK_WAIT_MS);
      const { work } = attempt.lease;
      const held = this.#others(relay).some(({ attempts }) => attempts.get(work) !== undefined);
      if (!held) continue;
      attempt.heldElsewhere();
      this.#left(attempt.lease);
    }
    for (const attempt of relay.pendingReleases.splice(0)) {
      const { work } = attempt.lease;
      const held = this.#others(relay).some(({ attempts }) => attempts.get(work) !== undefined);
      if (!held && this.now - attempt.keptAt < ACK_WAIT_MS) this.released(attempt);
      if (held) this.#left(attempt.lease);
    }
  }

  #cancel(which: number): void {
    const work = pick(
      this.works.filter(({ outcome, dead }) => outcome === undefined && !dead),
      which,
    );
    if (work === undefined) return;
    work.outcome = 0;
    // The server may be killed before it has written that down.
    work.acknowledged = which % 3 > 0;
    for (const relay of this.relays) {
      if (relay.natsIsAway) continue;
      relay.attempts.get(identityOf(work))?.withdrawn("cancelled");
      const state = relay.attempts.get(identityOf(work))?.state ?? "ended";
      assert.ok(["ended", "superseded", "settling"].includes(state), "nobody goes on with it");
    }
  }

  /** A relay ends as it should, and another one begins in its place. */
  #drain(relay: WorldRelay): void {
    if (relay.natsIsAway) return;
    relay.draining = true;
    for (const attempt of [...relay.attempts]) {
      const work = this.works[attempt.lease.sequence - 1];
      assert.ok(work);
      work.left = true;
      const { leasedUntil } = work;
      attempt.relayDrains();
      const isLeft = attempt.state === "ended" && work.leasedUntil > 0 && !work.acknowledged;
      const renewed = work.leasedUntil === this.now + ACK_WAIT_MS || work.lapsed;
      assert.ok(!isLeft || renewed, `left work has its whole lease, not ${leasedUntil - this.now}`);
    }
    this.#endTurn();
    for (const agent of this.agents) if (agent.relay === relay) agent.disconnect(4004);
    for (const agent of [...relay.role.agents]) this.socketLost(relay, agent, 4004);
    this.#resolveAll(relay);
    this.relays[this.relays.indexOf(relay)] = new WorldRelay(this, MAX_DELIVER);
    assert.deepEqual(
      [...relay.attempts].map(({ state }) => state),
      [],
      "a relay that ends has nothing",
    );
  }

  #resolveAll(relay: WorldRelay): void {
    for (let more = true; more;) {
      const { stores, burials, checks, resumptions, reads } = relay;
      more = [stores, burials, checks, resumptions, reads].some(({ length }) => length > 0);
      this.#read(relay);
      this.#settle(relay, 0);
      this.#bury(relay, 0);
      this.#check(relay, 0);
      this.#checkResumed(relay, 0);
      this.#endTurn();
    }
  }

  /** As at the end of a turn of the event loop. */
  #endTurn(): void {
    for (const relay of this.relays) {
      if (!relay.changed) continue;
      relay.changed = false;
      relay.role.handOut();
      if (!relay.role.open) relay.role.turnAway("no_agent");
      relay.role.pull(true);
      relay.wanted = relay.wants.splice(0).at(-1) ?? 0;
    }
    for (const agent of this.agents) agent.hear();
  }

  // --- What has to hold ----------------------------------------------------------------------------

  #holds(): void {
    for (const relay of this.relays) {
      assert.ok(relay.role.reserved >= 0, "nothing is reserved twice");
      for (const agent of relay.role.agents) {
        assert.ok(agent.free >= 0 && agent.unsettled >= 0);
        for (const attempt of agent.attempts()) {
          assert.equal(attempt.holder, agent, "a slot is taken by what its agent has");
        }
      }
    }
    for (const work of this.works) {
      const attempts = this.relays.flatMap(({ attempts }) => attempts.get(identityOf(work)) ?? []);
      const running = attempts
        .filter(({ state, holder }) => {
          return state === "running" && this.agents.some(({ connection }) => connection === holder);
        });
      const agents = new Set(running.map(({ agentId }) => agentId));
      assert.ok(agents.size < 2 || work.lapsed, "two have it, and no lease has lapsed");
      const isOpen = work.outcome === undefined && !work.dead;
      const isLeased = work.leasedUntil > this.now && isOpen;
      const pending = this.relays.some(({ pendingReleases }) =>
        pendingReleases.some(({ lease }) => lease.sequence === work.sequence)
      );
      assert.ok(
        !isLeased || attempts.length > 0 || work.left || work.lapsed || pending,
        "what nobody has is in the queue",
      );
    }
  }

  find({ sequence }: Lease): { kind: "gone" } | Exclude<Found, { kind: "gone" | "elsewhere" }> {
    const work = this.works[sequence - 1];
    assert.ok(work);
    const data = new TextEncoder().encode(
      JSON.stringify({ id: work.id, type: "work", payload: {} }),
    );
    if (work.acknowledged) return { kind: "gone" };
    if (work.outcome === undefined && !work.dead) return { kind: "open", data };
    return { kind: "answered", data, accepted: { attempt: 1 } as never };
  }

  /** A relay has let go of it, since another one has it: if both do, its lease has to run out. */
  #left({ sequence }: Lease): void {
    const work = this.works[sequence - 1];
    if (work !== undefined) work.left = true;
  }

  #leased({ sequence }: Lease): QueuedWork | undefined {
    const work = this.works[sequence - 1];
    return work === undefined || work.acknowledged || work.leasedUntil === 0 ? undefined : work;
  }

  #others(relay: WorldRelay): WorldRelay[] {
    return this.relays.filter((other) => other !== relay && !other.natsIsAway);
  }
}

function identityOf({ sequence }: QueuedWork): string {
  return leaseOf(1, sequence).work;
}

function pick<T>(all: readonly T[], which: number): T | undefined {
  return all[which % Math.max(1, all.length)];
}
