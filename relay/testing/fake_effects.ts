import {
  type AttemptRecord,
  type Lease,
  NO_ATTEMPTS,
  parseLease,
  RoleId,
} from "@ourocodus/protocol";
import type { RoleQueue, Stored } from "@ourocodus/bus";
import assert from "node:assert/strict";
import { AgentConnection } from "../agent_connection.ts";
import { Attempt } from "../attempt.ts";
import type { Answer, Answered, Effects, Found, InLine } from "../attempt_effects.ts";
import type { AttemptLimits } from "../attempt_time.ts";
import { Attempts } from "../attempts.ts";
import type { Reason } from "../dead_letter.ts";
import { Role } from "../role.ts";
import type { Released } from "../settlement.ts";

/** The lease of one delivery of session `s`, role `r`. */
export function leaseOf(attempt: number, sequence = 7): Lease {
  const lease = parseLease(
    `$JS.ACK.OUROCODUS_WORK.s=r.${attempt}.${sequence}.9.1763999999999999999.0`,
  );
  assert.ok(lease);
  return lease;
}

/** What differs from a plain agent with one slot and no name. */
export interface OtherAgent {
  readonly agentId?: string;
  readonly concurrency?: number;
  readonly v1?: boolean;
}

/** An agent whose socket keeps what it is sent. */
export class KeptAgent extends AgentConnection {
  readonly frames: string[];

  constructor({ agentId, concurrency = 1, v1 = false }: OtherAgent) {
    const frames: string[] = [];
    const protocol = v1 ? "ourocodus.v1" : "plain";
    super(
      { session: "s", role: "r", agentId, concurrency, protocol, confirm: true },
      { send: (frame) => void frames.push(frame), close: () => {}, unreadBytes: 0 },
      () => {},
    );
    this.frames = frames;
  }

  /** The types of the messages that it was sent since the last call, each with its leases' attempts. */
  hears(): string[] {
    this.flush(Infinity);
    return this.frames.splice(0).flatMap((frame) => frame.split("\n")).map((line) => {
      const { type, payload, lease = payload.lease } = JSON.parse(line);
      const leases: string[] = payload.leases ?? (lease === undefined ? [] : [lease]);
      const attempts = leases.map((one) => parseLease(one)?.attempt);
      return [type, ...attempts, ...payload.reason === undefined ? [] : [payload.reason]].join(" ");
    });
  }
}

/**
 * Does at once, without NATS, what attempts ask for, and writes down in `told` what others would
 * notice. What is answered later waits in `checks`, `reads`, `stores`, `burials` and `graces`.
 */
export class FakeEffects implements Effects {
  readonly #attemptClass: typeof Attempt;
  maxDeliver = 3;
  hasGrace = true;
  limits: AttemptLimits | undefined;
  draining = false;
  readonly told: string[] = [];
  readonly attempts: Attempts = new Attempts();
  readonly role: Role;
  readonly checks: { readonly attempt: Attempt; readonly onFound: (found: Found) => void }[] = [];
  readonly lines: Set<InLine & { readonly attempt: Attempt }> = new Set();
  readonly reads: ((text: string | undefined) => void)[] = [];
  readonly stores: {
    readonly attempt: Attempt;
    readonly answer: Answer;
    readonly onSettled: (stored: Stored) => void;
  }[] = [];
  readonly burials: {
    readonly attempt: Attempt;
    readonly onBuried: (done: boolean) => void;
  }[] = [];
  readonly graces: Map<Attempt, () => void> = new Map();
  /** The newest connection of each agent with a name. */
  readonly connected: Map<string, AgentConnection> = new Map();
  said = 0;
  roleChanges = 0;
  /** Agents whose slots have changed, each time. */
  readonly slotChanges: AgentConnection[] = [];
  readonly verifiedOnes: Attempt[] = [];
  /** What the role's queue was asked for, each time. */
  readonly wants: number[] = [];

  /** @param attemptClass The machine, or one with a fault in it. */
  constructor(attemptClass: typeof Attempt = Attempt) {
    this.#attemptClass = attemptClass;
    const queue = {
      want: (count: number) => this.wants.push(count),
      close: () => Promise.resolve(),
    };
    this.role = new Role(new RoleId("s", "r"), queue as unknown as RoleQueue);
  }

  /** Connects an agent. */
  agent(options: OtherAgent = {}): KeptAgent {
    const agent = new KeptAgent(options);
    this.role.join(agent);
    if (agent.named) this.connected.set(agent.agentId, agent);
    return agent;
  }

  /** Delivers work. @param delivery With the record of its attempts, unless that is to be looked up. */
  deliver(
    { attempt = 1, sequence = 7, id = "1", mayBeKnown = false, record = NO_ATTEMPTS, fields = {} }:
      {
        readonly attempt?: number;
        readonly sequence?: number;
        readonly id?: string;
        readonly mayBeKnown?: boolean;
        readonly record?: AttemptRecord;
        /** Further fields of its message. */
        readonly fields?: object;
      } = {},
  ): Attempt {
    const lease = leaseOf(attempt, sequence);
    const made = new this.#attemptClass(lease, this.role.id, this);
    this.attempts.add(made);
    const text = JSON.stringify({ id, type: "work", payload: {}, ...fields });
    made.delivered(this.role, text, mayBeKnown ? undefined : record);
    return made;
  }

  /** An agent says that it has a first attempt. */
  claim(agent: KeptAgent): Attempt {
    const claimed = new this.#attemptClass(leaseOf(1), agent, this);
    this.attempts.claim(claimed);
    return claimed;
  }

  findSlot(role: Role, attempt: Attempt): AgentConnection | "wait" | undefined {
    return this.draining ? undefined : role.findSlot(attempt);
  }

  hasOther(attempt: Attempt): boolean {
    return this.role.hasOther(attempt);
  }

  slotsChanged(agent: AgentConnection): void {
    this.slotChanges.push(agent);
    if (this.role.agents.has(agent)) this.role.slotsChanged(agent);
  }

  roleChanged(): void {
    this.roleChanges++;
  }

  newerOf(agent: AgentConnection): AgentConnection | undefined {
    const newest = this.connected.get(agent.agentId);
    return newest === agent ? undefined : newest;
  }

  startGrace(attempt: Attempt, onOver: () => void): () => void {
    const { session, role, agentId = "" } = attempt;
    const agent = { session, role, agentId };
    this.attempts.away(agent, attempt);
    this.graces.set(attempt, onOver);
    return () => {
      this.attempts.notAway(agent, attempt);
      this.graces.delete(attempt);
    };
  }

  check(_: Role, attempt: Attempt, onFound: (found: Found) => void): void {
    this.checks.push({ attempt, onFound });
  }

  stand(_: Role, attempt: Attempt, { onTurn }: InLine): () => void {
    const standing = { attempt, onTurn };
    this.lines.add(standing);
    return () => void this.lines.delete(standing);
  }

  read(_: Attempt, onRead: (text: string | undefined) => void): void {
    this.reads.push(onRead);
  }

  limitsOf(): AttemptLimits | undefined {
    return this.limits;
  }

  keepSaid(characters: number): void {
    this.said += characters;
  }

  extend({ lease }: Attempt): void {
    this.told.push(`extend ${lease.attempt}`);
  }

  counted(lease: Lease): Lease {
    return lease;
  }

  release({ lease }: Attempt, delayMs: number, recorded: boolean): void {
    this.told.push(`release ${lease.attempt}, ${delayMs}${recorded ? "" : ", unrecorded"}`);
  }

  storeRecord({ record: { begun } }: Attempt): void {
    this.told.push(`store, begun ${begun}`);
  }

  putOff({ lease }: Attempt, delayMs: number): void {
    this.told.push(`put off ${lease.attempt}, ${Math.round(delayMs / 1_000)} s`);
  }

  putBack({ attempt }: Lease): void {
    this.told.push(`put back ${attempt}`);
  }

  acknowledge({ attempt }: Lease): void {
    this.told.push(`acknowledge ${attempt}`);
  }

  store(attempt: Attempt, answer: Answer, onSettled: (stored: Stored) => void): void {
    this.stores.push({ attempt, answer, onSettled });
  }

  deadLetter(attempt: Attempt, { message }: Reason, onBuried: (done: boolean) => void): void {
    this.told.push(`dead: ${message}`);
    this.burials.push({ attempt, onBuried });
  }

  finish({ lease }: Attempt, _: Answered): void {
    this.told.push(`finish ${lease.attempt}`);
  }

  tellSettled(_: Attempt, agent: AgentConnection, { kind }: Stored): void {
    this.told.push(`tell ${agent.agentId} ${kind}`);
  }

  tellDuplicate(_: Attempt, agent: AgentConnection): void {
    this.told.push(`tell ${agent.agentId} duplicate`);
  }

  recordOffered({ number, agentId }: Attempt): void {
    this.told.push(`offered ${number} to ${agentId}`);
  }

  recordReleased(_: Attempt, { code, message }: Reason, { charged }: Released): void {
    const words = message === "" ? "" : `, ${message}`;
    this.told.push(`released: ${code}${words}${charged ? ", charged" : ""}`);
  }

  verified(attempt: Attempt): void {
    this.attempts.verified(attempt);
    this.verifiedOnes.push(attempt);
  }

  ended(attempt: Attempt): void {
    this.attempts.delete(attempt);
  }
}
