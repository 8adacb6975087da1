import assert from "node:assert/strict";
import { onlyCharged } from "@ourocodus/protocol";
import type { AgentConnection } from "../agent_connection.ts";
import type { Attempt } from "../attempt.ts";
import type { KeptAgent } from "./fake_effects.ts";
import { type Surroundings, WorldAgent } from "./world_agent.ts";
import { hasEnded, holds } from "./world_invariants.ts";
import { ACK_WAIT_MS, identityOf, pick, WorldQueue } from "./world_queue.ts";
import { type Asked, type Neighbours, WorldRelay } from "./world_relay.ts";

const MAX_AGENTS = 5;
const RELAYS = 2;
const MAX_DELIVER = 3;

/**
 * Relays, agents, the queue and the log in one small world without NATS, in which the next step is
 * anybody's.
 */
export class AttemptWorld implements Neighbours, Surroundings {
  readonly Attempt: typeof Attempt;
  readonly queue: WorldQueue = new WorldQueue();
  readonly agents: WorldAgent[] = [];
  readonly relays: WorldRelay[];
  /** Ends of sockets that nobody has noticed yet. */
  readonly halfOpen: (() => void)[] = [];

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
    switch (choice % 27) {
      case 0:
      case 1:
        this.queue.publish(which);
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
      case 24:
        this.#hurry(relay, which);
        break;
      case 25:
      case 26:
        this.#takeTurn(relay, which);
        break;
      case 23:
        if (which % 4 === 0) this.#drain(relay);
        else if (which % 4 === 1) this.halfOpen.shift()?.();
        else this.#read(relay);
        break;
    }
    this.#endTurn();
    holds(this);
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
    hasEnded(this);
  }

  // --- What relays do to the queue and the log ------------------------------------------------------

  released({ lease, agentId }: Attempt): void {
    const work = this.queue.leased(lease);
    if (work === undefined) return;
    const isOthers = this.relays.some((relay) => {
      const attempt = relay.attempts.get(lease.work);
      return attempt?.state === "running" && attempt.agentId !== agentId;
    });
    assert.ok(!isOthers || work.lapsed, "nothing is released that another agent has");
    this.queue.release(lease);
  }

  tellReleased(attempt: Attempt): void {
    for (const relay of this.relays) if (!relay.natsIsAway) relay.noteReleased(attempt);
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

  #deliver(relay: WorldRelay, which: number): void {
    if (relay.natsIsAway || relay.draining || relay.wanted === 0) return;
    const delivered = this.queue.deliver(which);
    if (delivered === undefined) return;
    const { lease, text } = delivered;
    relay.wanted--;
    relay.changed = true;
    const known = relay.attempts.find(lease);
    if (known !== undefined) return known.redelivered(lease);
    const attempt = new this.Attempt(lease, relay.role.id, relay);
    relay.attempts.add(attempt);
    attempt.delivered(relay.role, text, relay.recordOf(lease));
  }

  /** One that stands in line hears whether it is its turn. */
  #takeTurn(relay: WorldRelay, which: number): void {
    const standing = relay.natsIsAway ? undefined : pick([...relay.lines], which);
    if (standing === undefined) return;
    relay.changed = true;
    if (!this.queue.hasEarlier(standing.attempt.lease)) standing.onTurn({ kind: "now" });
    else if (which % 3 === 0) standing.onTurn({ kind: "later", delayMs: 1_000 });
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
    assert.ok(store);
    const { attempt, onSettled } = store;
    const work = this.queue.of(attempt.lease);
    const isFirst = work.outcome === undefined && !work.dead;
    if (isFirst) work.outcome = attempt.number;
    this.queue.acknowledge(attempt.lease);
    onSettled(isFirst ? { kind: "stored" } : { kind: "duplicate", accepted: undefined });
  }

  #bury(relay: WorldRelay, which: number): void {
    if (relay.natsIsAway || relay.burials.length === 0) return;
    const [burial] = relay.burials.splice(which % relay.burials.length, 1);
    assert.ok(burial);
    const { attempt, onBuried } = burial;
    const work = this.queue.of(attempt.lease);
    const spares = attempt.isSpent && onlyCharged(attempt.record) !== undefined &&
      this.#others(relay).some(({ role }) => role.hasOther(attempt));
    if (spares) return onBuried(false);
    if (work.outcome === undefined && !work.acknowledged) {
      const { charges } = attempt.record;
      assert.ok(charges.length >= MAX_DELIVER || work.invalid, "it dies of enough attempts");
      work.dead = true;
    }
    this.queue.acknowledge(attempt.lease);
    onBuried(true);
  }

  #check(relay: WorldRelay, which: number): void {
    if (relay.natsIsAway || relay.checks.length === 0) return;
    const [check] = relay.checks.splice(which % relay.checks.length, 1);
    assert.ok(check);
    const { lease } = check.attempt;
    const keeps = this.#others(relay).map((other) => other.attempts.find(lease)?.renew(lease));
    check.onFound(keeps.includes(true) ? { kind: "elsewhere" } : this.queue.find(lease));
  }

  #checkResumed(relay: WorldRelay, which: number): void {
    if (relay.natsIsAway || relay.resumptions.length === 0) return;
    const [resumption] = relay.resumptions.splice(which % relay.resumptions.length, 1);
    assert.ok(resumption);
    const isAsking = resumption.attempt.state === "resuming" &&
      resumption.attempt.holder === resumption.asked.agent;
    if (isAsking && resumption.objects === undefined) this.askOthers(relay, resumption);
    const { attempt, asked, objects = false } = resumption;
    const found = this.queue.find(attempt.lease);
    const lost = found.kind === "open" && objects;
    // An agent has its work for itself as long as its relay reaches NATS (PROTOCOL.md).
    const isCutOff = this.relays.some(({ natsIsAway, attempts }) => {
      return natsIsAway && attempts.get(attempt.lease.work)?.state === "running";
    });
    if (isCutOff) this.queue.of(attempt.lease).lapsed = true;
    attempt.resumptionChecked(asked, lost ? { kind: "elsewhere" } : found);
  }

  /** Asks other relays whether they object. */
  askOthers(relay: WorldRelay, resumption: Asked): void {
    const { attempt: { lease }, asked: { agent: { agentId } } } = resumption;
    const objections = this.#others(relay).map((other) => {
      const attempt = other.attempts.find(lease);
      other.releasedWork.delete(lease.work);
      const objects = attempt?.objectsTo(lease, agentId) ?? false;
      if (attempt !== undefined && !objects) this.queue.leave(lease);
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
      this.queue.now += Math.min(left, 10_000);
      for (const relay of this.relays) {
        if (relay.natsIsAway) continue;
        for (const attempt of relay.attempts) attempt.extend(this.queue.now, ACK_WAIT_MS);
      }
    }
    // A ping is not answered.
    for (const agent of this.agents) if (agent.isDeaf) agent.disconnect();
    for (const work of this.queue.works) {
      if (work.acknowledged || work.leasedUntil === 0 || work.leasedUntil > this.queue.now) {
        continue;
      }
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
      attempt.extend(this.queue.now, ACK_WAIT_MS);
      const { work } = attempt.lease;
      const held = this.#others(relay).some(({ attempts }) => attempts.get(work) !== undefined);
      if (!held) continue;
      attempt.heldElsewhere();
      this.queue.leave(attempt.lease);
    }
    for (const attempt of relay.pendingReleases.splice(0)) {
      const { work } = attempt.lease;
      const held = this.#others(relay).some(({ attempts }) => attempts.get(work) !== undefined);
      if (!held && this.queue.now - attempt.keptAt < ACK_WAIT_MS) this.released(attempt);
      if (held) this.queue.leave(attempt.lease);
    }
  }

  #cancel(which: number): void {
    const work = pick(
      this.queue.works.filter(({ outcome, dead }) => outcome === undefined && !dead),
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

  /** An attempt has taken too long, or its agent has said nothing for too long. */
  #hurry(relay: WorldRelay, which: number): void {
    const attempt = pick([...relay.attempts], which);
    if (which % 3 === 0) attempt?.deadlineOver("too long");
    else if (which % 3 === 1) {
      attempt?.noProgress("it sleeps");
      // What another relay has too is that one's, or its lease runs out.
      if (attempt?.state === "ended") this.queue.leave(attempt.lease);
    }
  }

  /** A relay ends as it should, and another one begins in its place. */
  #drain(relay: WorldRelay): void {
    if (relay.natsIsAway) return;
    relay.draining = true;
    for (const attempt of [...relay.attempts]) {
      const work = this.queue.of(attempt.lease);
      work.left = true;
      const { leasedUntil } = work;
      attempt.relayDrains();
      const isLeft = attempt.state === "ended" && work.leasedUntil > 0 && !work.acknowledged;
      const renewed = work.leasedUntil === this.queue.now + ACK_WAIT_MS || work.lapsed;
      assert.ok(
        !isLeft || renewed,
        `left work has its whole lease, not ${leasedUntil - this.queue.now}`,
      );
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
      for (const _ of [...relay.lines]) this.#takeTurn(relay, 0);
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

  #others(relay: WorldRelay): WorldRelay[] {
    return this.relays.filter((other) => other !== relay && !other.natsIsAway);
  }
}
