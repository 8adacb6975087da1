/**
 * What agents send, message by message.
 *
 * What they send is untrusted: a lease is looked up among the agent's own work, or parsed and
 * compared with its session and role, before anything is done with it.
 *
 * @module
 */
import type { AcceptedOutcome, Stored } from "@ourocodus/bus";
import {
  AGENT_TYPE,
  bytesBeyond,
  CLOSE,
  describe,
  isReservedType,
  type Lease,
  MAX_LEASE_CHARACTERS,
  MAX_RETRY_DELAY_MS,
  type Message,
  parseLease,
  parseMessage,
  RELAY_TYPE,
  type RelayErrorCode,
  type RelayErrorPayload,
  splitFrame,
  stripLease,
} from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { Backlog } from "./backlog.ts";
import type { Journal } from "./journal.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { Offers } from "./offers.ts";
import type { OutcomeReader } from "./outcome_reader.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Resumption } from "./resumption.ts";
import type { Turn } from "./turn.ts";
import type { Withdrawal } from "./withdrawal.ts";
import { monotonicMs, type Work, workItem } from "./work.ts";
import type { Works } from "./works.ts";

/** What {@linkcode AgentMessages} needs. */
export interface AgentMessagesOptions {
  readonly works: Works;
  readonly outcomes: Outcomes;
  readonly outcomeReader: OutcomeReader;
  readonly journal: Journal;
  readonly metrics: RelayMetrics;
  readonly resumption: Resumption;
  readonly withdrawal: Withdrawal;
  readonly backlog: Backlog;
  readonly offers: Offers;
  readonly turn: Turn;
  /** The largest frame taken, in bytes of UTF-8. */
  readonly maxFrameBytes: number;
  /** The largest message taken, in bytes of UTF-8; it may change when NATS reconnects. */
  readonly maxMessageBytes: () => number;
}

/** More lines than this in one frame close the agent: each bad one is answered. */
const MAX_FRAME_LINES = 10_000;
const RELAY_TYPES: readonly string[] = Object.values(RELAY_TYPE);
/** As much of an agent's reason for giving work back goes into events and dead letters. */
const MAX_REASON_CHARACTERS = 500;
/** An agent's own word for why it gives work back. */
const REASON = /^[a-z][a-z0-9_]{0,63}$/;

/** Handles agents' frames. */
export class AgentMessages {
  readonly #options: AgentMessagesOptions;

  constructor(options: AgentMessagesOptions) {
    this.#options = options;
  }

  /** Handles a frame: every message in it, or closes the agent if it is none. */
  frame(agent: AgentConnection, frame: unknown): void {
    if (typeof frame !== "string") {
      return agent.close(CLOSE.invalidFrame, "binary frame; a message is a text frame");
    }
    const limit = this.#options.maxFrameBytes;
    const size = bytesBeyond(frame, limit);
    if (size !== undefined) {
      const reason = `frame is ${size} bytes, limit is ${limit}`;
      return agent.close(CLOSE.frameTooLarge, reason);
    }
    if (agent.v1 && hasMoreLines(frame, MAX_FRAME_LINES)) {
      const reason = `frame has more than ${MAX_FRAME_LINES} messages`;
      return agent.close(CLOSE.frameTooLarge, reason);
    }
    for (const text of agent.v1 ? splitFrame(frame) : [frame]) {
      const parsed = parseMessage(text);
      if (parsed.kind === "ok") this.#message(agent, text, parsed.message);
      else if (agent.v1) this.#refuse(agent, "invalid_message", parsed.reason);
      else agent.close(CLOSE.invalidFrame, parsed.reason);
      if (agent.closed) return;
    }
  }

  #message(agent: AgentConnection, text: string, message: Message): void {
    if (isReservedType(message.type)) return this.#reserved(agent, message);
    if (agent.v1 && (message.type === AGENT_TYPE.drain || message.type === AGENT_TYPE.resume)) {
      return this.#aboutItself(agent, message);
    }
    const work = agent.find(message);
    if (work === undefined) return this.#unmatched(agent, text, message);
    if (work.id !== message.id) {
      const reason = `id is ${JSON.stringify(message.id)}, the lease's is ${work.id}`;
      return this.#refuse(agent, "id_mismatch", reason, work.offered);
    }
    agent.noteNamed(work);
    if (work.state === "answered") return this.#answeredElsewhere(agent, work, message);
    switch (message.type) {
      case AGENT_TYPE.progress:
        return this.#progress(agent, work, withoutLease(text, message, work));
      case AGENT_TYPE.retry:
        return this.#retry(agent, work, message);
      default:
        return this.#result(agent, work, withoutLease(text, message, work), message.type);
    }
  }

  /** Changes nothing but that a plain agent, which cannot be told, is closed with the reason. */
  #reserved(agent: AgentConnection, message: Message): void {
    const type = `type is ${JSON.stringify(message.type)}`;
    if (!agent.v1) return agent.close(CLOSE.invalidFrame, `${type}, which is reserved`);
    const lease = shortLease(message);
    if (RELAY_TYPES.includes(message.type)) {
      return this.#refuse(agent, "reserved_type", `${type}, which only a relay sends`, lease);
    }
    const reason = `${type}, which this relay does not know; relay.welcome has its capabilities`;
    this.#refuse(agent, "unknown_type", reason, lease);
  }

  #aboutItself(agent: AgentConnection, message: Message): void {
    if (message.lease !== undefined) {
      const reason = `${message.type} is about the agent, and has no lease`;
      return this.#refuse(agent, "invalid_message", reason, shortLease(message));
    }
    if (message.type === AGENT_TYPE.drain) return this.#drain(agent);
    const reason = this.#options.resumption.resume(agent, message.payload.leases);
    if (reason !== undefined) this.#refuse(agent, "invalid_resume", reason);
  }

  #progress(agent: AgentConnection, work: Work, text: string): void {
    const event = `${text.slice(0, text.lastIndexOf("}"))},"work":${
      JSON.stringify(workItem(work))
    }}`;
    const limit = this.#options.maxMessageBytes();
    const size = bytesBeyond(event, limit);
    if (size !== undefined) {
      const reason = `progress is ${size} bytes, limit is ${limit}`;
      return this.#refuse(agent, "progress_too_large", reason, work.offered);
    }
    this.#options.journal.forward(work.session, event);
  }

  #retry(agent: AgentConnection, work: Work, message: Message): void {
    const { delay_ms: delay = 0, message: why, reason: word } = message.payload;
    const allowed = typeof delay === "number" && delay >= 0 && delay <= MAX_RETRY_DELAY_MS;
    if (!allowed) {
      const shown = typeof delay === "number" ? delay : describe(delay);
      const reason = `delay_ms is ${shown}, allowed is 0 to ` +
        `${MAX_RETRY_DELAY_MS}; the work was given back without a delay`;
      this.#refuse(agent, "invalid_delay", reason, work.offered);
    }
    const reason = typeof why === "string"
      ? why.slice(0, MAX_REASON_CHARACTERS)
      : "the agent gave it back";
    const delayMs = allowed ? Math.round(delay) : 0;
    const code = typeof word === "string" && REASON.test(word) ? word : "retry";
    this.#options.works.retry(work, { code, message: reason }, delayMs);
    agent.confirm(work.offered);
    this.#options.offers.freed(agent);
  }

  #result(agent: AgentConnection, work: Work, text: string, type: string): void {
    const { works, outcomes, backlog, offers } = this.#options;
    const overloaded = backlog.refusal(text.length);
    if (overloaded !== undefined) return agent.close(CLOSE.overloaded, overloaded);
    agent.release(work);
    work.state = "settling";
    agent.unsettled++;
    outcomes.result(work, { text, type }, (stored) => {
      works.forget(work);
      if (stored.kind === "stored") this.#count(work.since, text);
      const item = { ...workItem(work), agent_id: agent.agentId };
      this.#settled(agent, stored, item, work.offered);
    });
    offers.freed(agent);
  }

  #settled(agent: AgentConnection, stored: Stored, item: object, lease: string): void {
    agent.unsettled--;
    if (stored.kind === "duplicate") return this.#duplicate(agent, item, stored.accepted, lease);
    if (stored.kind === "refused") this.#refuse(agent, "result_refused", stored.reason, lease);
    agent.confirm(lease);
    this.#options.turn.agent(agent);
  }

  #count(since: number, text: string): void {
    const { metrics } = this.#options;
    metrics.results++;
    metrics.resultCharacters += text.length;
    metrics.worked.observe(monotonicMs() - since);
  }

  #duplicate(
    agent: AgentConnection,
    item: object,
    accepted: AcceptedOutcome | undefined,
    lease?: string,
  ): void {
    this.#options.metrics.duplicates++;
    this.#options.journal.work(agent.session, "result.duplicate", {
      ...item,
      accepted_attempt: accepted?.attempt,
      accepted_outcome: accepted?.outcome,
    });
    this.#refuse(agent, "duplicate", duplicateReason(accepted), lease);
  }

  /** A plain agent has finished work that another has answered meanwhile. */
  #answeredElsewhere(agent: AgentConnection, work: Work, message: Message): void {
    if (message.type === AGENT_TYPE.progress) return;
    const { works, outcomeReader, offers } = this.#options;
    works.forget(work);
    offers.freed(agent);
    if (message.type === AGENT_TYPE.retry) return;
    const item = workItem(work);
    void outcomeReader.accepted(work).then((accepted) => this.#duplicate(agent, item, accepted));
  }

  /** A message about work that is not in the agent's hands. */
  #unmatched(agent: AgentConnection, text: string, message: Message): void {
    if (agent.v1 && message.lease !== undefined) return this.#late(agent, text, message);
    if (message.type === AGENT_TYPE.progress) return;
    const known = !agent.v1 && agent.hasAnswered(message.id);
    const type = known ? "result.duplicate" : "result.unmatched";
    const item = { id: message.id, role: agent.role, agent_id: agent.agentId };
    this.#options.journal.work(agent.session, type, item);
    const reason = `no work with the id ${JSON.stringify(message.id)} is in this agent's hands, ` +
      "or several are and the message has no lease";
    this.#refuse(agent, "unknown_work", reason);
  }

  #drain(agent: AgentConnection): void {
    agent.drain();
    this.#options.offers.freed(agent);
  }

  /** A message with a lease that this connection was not given, or has not any more. */
  #late(agent: AgentConnection, text: string, message: Message): void {
    const lease = typeof message.lease === "string" ? parseLease(message.lease) : undefined;
    if (lease?.roleKey !== agent.roleId.key) {
      const reason = "lease is not of this agent's session and role";
      return this.#refuse(agent, "foreign_lease", reason, shortLease(message));
    }
    const overloaded = this.#options.backlog.refusal(text.length);
    if (overloaded !== undefined) return agent.close(CLOSE.overloaded, overloaded);
    const hear = () => this.#message(agent, text, message);
    if (this.#options.resumption.defer(agent, lease, { characters: text.length, hear })) return;
    if (message.type === AGENT_TYPE.progress || message.type === AGENT_TYPE.retry) {
      const reason = "the work of this lease is not in this agent's hands any more";
      return this.#refuse(agent, "lease_lost", reason, lease.subject);
    }
    const result = { text: stripLease(text, lease.subject), type: message.type };
    void this.#lateResult(agent, result, message.id, lease);
  }

  /** Whichever attempt's result is stored first wins, so a late one may still. */
  async #lateResult(
    agent: AgentConnection,
    result: { readonly text: string; readonly type: string },
    id: string,
    lease: Lease,
  ): Promise<void> {
    const { works, outcomes, outcomeReader, backlog } = this.#options;
    const { session, role, agentId: agent_id } = agent;
    const item = { seq: lease.sequence, id, role, attempt: lease.attempt, agent_id };
    agent.unsettled++;
    const place = { session, role, lease };
    const found = ended(works.find(lease))
      ? { kind: "gone" } as const
      : await backlog.during(result.text.length, outcomeReader.lookUp(place));
    if (found === undefined) return;
    if (found.kind !== "open" || ended(works.find(lease))) {
      const accepted = found.kind === "answered"
        ? found.accepted
        : await outcomeReader.accepted(place);
      return this.#settled(agent, { kind: "duplicate", accepted }, item, lease.subject);
    }
    const { attempt } = lease;
    const since = monotonicMs();
    outcomes.result({ id, session, role, lease, attempt }, result, (stored) => {
      if (stored.kind !== "duplicate") this.#options.withdrawal.answered(lease, agent);
      if (stored.kind === "stored") this.#count(since, result.text);
      this.#settled(agent, stored, item, lease.subject);
    });
  }

  /** Tells a v1 agent what was wrong with what it sent. */
  #refuse(agent: AgentConnection, code: RelayErrorCode, message: string, lease?: string): void {
    agent.tell(RELAY_TYPE.error, { code, message, lease } satisfies RelayErrorPayload);
    this.#options.turn.agent(agent);
  }
}

/** A v1 agent's message as others may have it. */
function withoutLease(text: string, message: Message, work: Work): string {
  return work.v1 && message.lease !== undefined ? stripLease(text, work.offered) : text;
}

/** The lease that an agent has named, unless it is too long to be one: then nothing is sent back. */
function shortLease({ lease }: Message): string | undefined {
  return typeof lease === "string" && lease.length <= MAX_LEASE_CHARACTERS ? lease : undefined;
}

function hasMoreLines(frame: string, limit: number): boolean {
  return frame.length > limit && frame.split("\n", limit + 1).length > limit;
}

/** Whether work has an outcome, or is about to. */
function ended(work: Work | undefined): boolean {
  return work?.state === "settling" || work?.state === "answered";
}

function duplicateReason(accepted: AcceptedOutcome | undefined): string {
  switch (accepted?.outcome) {
    case "cancelled":
      return "the work was cancelled";
    case "dead":
      return `the work was given up on after attempt ${accepted.attempt}`;
    default:
      return accepted === undefined
        ? "another result was accepted for this work, or it was given up on"
        : `the result of attempt ${accepted.attempt} was accepted for this work`;
  }
}
