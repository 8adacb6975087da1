/**
 * What other relays are asked and told: who has a work item, and what became of it.
 *
 * Invariants:
 * 1. Work is offered at once only if nobody can have it: it is the first attempt, or the attempt
 *    before was released and no agent has come back to it since. Otherwise other relays are asked,
 *    and the outcome is looked up first.
 * 2. What was stored before the connection was lost is looked up even as a first attempt: a server
 *    that was killed may have forgotten that it had been delivered, or even answered.
 * 3. A lease is an agent's again only if it is of the agent's session and role, its work has no
 *    outcome, and no other agent has that work, on any relay.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Msg } from "@nats-io/nats-core";
import { askMany, type Connection, LeaseExchange } from "@ourocodus/bus";
import {
  type AttemptRecord,
  type CancelledHolder,
  type CancelNotice,
  isObject,
  type Lease,
  NO_ATTEMPTS,
  parseObject,
  RELAYS_AGENTS_SUBJECT,
} from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { AttemptView, Found } from "./attempt_effects.ts";
import type { Attempts } from "./attempts.ts";
import type { OutcomeReader } from "./outcome_reader.ts";
import type { Releases } from "./releases.ts";
import type { Role } from "./role.ts";
import { isOther } from "./settlement.ts";

/** What {@linkcode Peers} knows. */
export interface PeersOptions {
  readonly relayId: string;
  readonly connection: Connection;
  readonly attempts: Attempts;
  readonly releases: Releases;
  readonly reader: OutcomeReader;
}

/** The last loss of the connection. */
interface Restored {
  readonly at: number;
  /** By `performance.now`. */
  readonly since: number;
  /** Sequences of work that other relays have. */
  readonly elsewhere: Promise<ReadonlySet<number>>;
}

/** The clocks of relays and servers may differ by so much, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;
/** How long another relay has to say that it has work, in milliseconds. */
const ANSWER_MS = 300;
/** The same just after the connection was restored: the others may still be reconnecting. */
const RESTORED_ANSWER_MS = 2_500;
const RESTORED_MS = 10_000;
const NOTHING = new Uint8Array();
const log = getLogger(["ourocodus", "relay"]);

/** A relay among others. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #exchange: LeaseExchange;
  #restored: Restored | undefined;

  constructor(options: PeersOptions) {
    this.#options = options;
    const { connection, relayId, attempts, releases } = options;
    this.#exchange = new LeaseExchange(connection, {
      relayId,
      holder: {
        keepsDelivered: (lease) => attempts.find(lease)?.renew(lease) ?? false,
        objectsTo: (lease, agentId) => {
          releases.resumed(lease);
          return attempts.find(lease)?.objectsTo(lease, agentId) ?? false;
        },
        returned: (lease, record) => releases.released(lease, record),
        answered: (lease) => attempts.find(lease)?.withdrawn("answered"),
        sequences: () => Array.from(attempts, ({ lease }) => lease.sequence),
      },
    });
  }

  /** NATS is back. @param now In milliseconds since 1970. */
  restored(now: number): void {
    const elsewhere = this.#exchange.heldElsewhere(RESTORED_ANSWER_MS);
    this.#restored = { at: now, since: performance.now(), elsewhere };
    const { attempts, releases } = this.#options;
    void elsewhere.then((sequences) => {
      for (const attempt of attempts) {
        if (sequences.has(attempt.lease.sequence)) attempt.heldElsewhere();
      }
      releases.releaseWaiting(sequences);
    });
  }

  /**
   * What the attempts at work have left that is delivered here, if nobody can have it, and it has no
   * outcome; `undefined` if that has to be found out, see {@linkcode check}.
   */
  recordOf(lease: Lease, role: Role): AttemptRecord | undefined {
    const record = this.#options.releases.recordOf(lease);
    if (record !== undefined) return record;
    if (lease.attempt > 1 || this.#isFromBefore(lease)) return undefined;
    // The queue counts from one again when a role's consumer was made anew.
    const isNew = role.isUnrecorded || lease.storedAtMs > role.openedAt + CLOCK_SKEW_MS;
    return isNew ? NO_ATTEMPTS : undefined;
  }

  /** Finds out what became of work that was delivered here. @param onFound Not called once this is closed. */
  async check(role: Role, attempt: AttemptView, onFound: (found: Found) => void): Promise<void> {
    const { lease } = attempt;
    const found = lease.attempt > 1
      ? await this.#find(attempt)
      : this.#isFromBefore(lease) && this.#restored !== undefined
      ? await this.#knownBefore(attempt, this.#restored)
      : await this.#recordedOf(role, attempt);
    if (found !== undefined) onFound(found);
  }

  /**
   * Whether another relay may have an agent for work that is spent here. Asks for a moment; without
   * NATS that is not known, and one may.
   */
  async hasOther(attempt: AttemptView): Promise<boolean> {
    const { connection, relayId } = this.#options;
    const { session, role } = attempt;
    const { epoch } = connection;
    if (!connection.connected) return true;
    let has = false;
    const onAnswer = (answer: Msg) => {
      const { relay_id, agents } = parseObject(answer.string()) ?? {};
      has ||= relay_id !== relayId && Array.isArray(agents) &&
        agents.some((agent) => mayDo(agent, attempt));
      return has;
    };
    const request = { session, role };
    const waitMs = this.#answerMs;
    await askMany(connection, RELAYS_AGENTS_SUBJECT, [request], { waitMs, onAnswer });
    return has || !connection.connected || connection.epoch !== epoch;
  }

  /**
   * Finds out what became of work that an agent says it has.
   *
   * @param objections Of other relays, see {@linkcode objections}.
   * @returns `undefined` if this was closed meanwhile: then nothing is known.
   */
  async checkResumed(
    attempt: AttemptView,
    objections: Promise<ReadonlySet<string> | undefined>,
  ): Promise<Found | undefined> {
    const { reader } = this.#options;
    const found = await reader.lookUp(attempt);
    const lost = (await objections)?.has(attempt.lease.work);
    if (found === undefined || lost === undefined) return undefined;
    if (found.kind === "open") return lost ? { kind: "elsewhere" } : found;
    return found.kind === "gone" ? { ...found, accepted: await reader.accepted(attempt) } : found;
  }

  /**
   * Asks other relays whether other agents have what an agent resumes.
   *
   * @param leases Asked each time, as the connection may be lost meanwhile.
   */
  async objections(
    leases: () => readonly Lease[],
    agentId: string,
  ): Promise<ReadonlySet<string> | undefined> {
    return await this.#exchange.objections(leases, agentId, () => this.#answerMs);
  }

  /** Work is about to be released. */
  tellReleased({ lease, record }: AttemptView): void {
    this.#exchange.tellReturned(lease, record);
  }

  /**
   * A late result of work is stored: the agent that has it, here or at another relay, need not go on.
   *
   * @param by The agent whose result it is; it knows.
   */
  answered(lease: Lease, by: AgentConnection): void {
    const attempt = this.#options.attempts.find(lease);
    if (attempt !== undefined) attempt.withdrawn("answered", by);
    else this.#exchange.tellAnswered(lease);
  }

  /** Work is cancelled. @returns Who has or had it; `undefined` if nobody here. */
  cancel({ work }: CancelNotice): CancelledHolder | undefined {
    const { attempts, relayId: relay_id } = this.#options;
    const attempt = attempts.get(work);
    if (attempt === undefined || attempt.state === "settling") return undefined;
    const { agentId: agent_id, number, holder } = attempt;
    attempt.withdrawn("cancelled");
    log.info("work is cancelled", { seq: attempt.lease.sequence, agent_id });
    if (agent_id === undefined) return undefined;
    const away = holder === undefined;
    return { relay_id, agent_id, attempt: number, told: !away && holder.v1, away };
  }

  /** Answers no more, and waits for no answers. */
  close(): void {
    this.#exchange.close();
  }

  /** How long to wait for other relays' answers now, in milliseconds. */
  get #answerMs(): number {
    const recently = performance.now() - (this.#restored?.since ?? -Infinity) < RESTORED_MS;
    return recently ? RESTORED_ANSWER_MS : ANSWER_MS;
  }

  async #find(attempt: AttemptView): Promise<Found | undefined> {
    const [kept, found] = await Promise.all([
      this.#exchange.keptElsewhere([attempt.lease], () => this.#answerMs),
      this.#options.reader.lookUp(attempt),
    ]);
    // Without an answer nothing is known, as without what was found.
    return kept?.has(attempt.lease.work) ? { kind: "elsewhere" } : kept && found;
  }

  async #knownBefore(attempt: AttemptView, restored: Restored): Promise<Found | undefined> {
    const [elsewhere, accepted] = await Promise.all([
      restored.elsewhere,
      this.#options.reader.accepted(attempt),
    ]);
    const isKnown = accepted !== undefined || elsewhere.has(attempt.lease.sequence);
    return isKnown ? await this.#find(attempt) : await this.#recorded(attempt);
  }

  /** Nobody has it, and it has no outcome: only what its attempts have left is asked for. */
  async #recorded(attempt: AttemptView): Promise<Found | undefined> {
    const record = await this.#options.reader.record(attempt);
    return record && { kind: "open", data: NOTHING, record };
  }

  /** The same, of a role that may have no records at all. */
  async #recordedOf(role: Role, attempt: AttemptView): Promise<Found | undefined> {
    role.hasRecords ??= this.#options.reader.hasRecords(role.id);
    const has = await role.hasRecords;
    if (has) return await this.#recorded(attempt);
    if (has === undefined) return undefined;
    role.isUnrecorded = true;
    return { kind: "open", data: NOTHING, record: NO_ATTEMPTS };
  }

  #isFromBefore({ storedAtMs }: Lease): boolean {
    return storedAtMs < (this.#restored?.at ?? -Infinity);
  }
}

/** Whether an agent of another relay takes work, now or before long, that others have tried. */
function mayDo(agent: unknown, attempt: AttemptView): boolean {
  if (!isObject(agent) || typeof agent.agent_id !== "string") return false;
  const isFailing = isObject(agent.paused) && agent.paused.reason === "failing";
  return !isFailing && agent.draining !== true && isOther(attempt, agent.agent_id);
}
