/**
 * What agents send, message by message.
 *
 * What they send is untrusted: a lease is looked up among the agent's own work, or parsed and
 * compared with its session and role, before anything is done with it.
 *
 * @module
 */
import {
  AGENT_TYPE,
  bytesBeyond,
  CLOSE,
  describe,
  isLimitKey,
  isReservedType,
  MAX_LEASE_CHARACTERS,
  MAX_RETRY_DELAY_MS,
  type Message,
  parseLease,
  parseMessage,
  RELAY_TYPE,
  REPORT_TYPES,
  splitFrame,
  stripLease,
} from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { Answers } from "./answers.ts";
import type { Attempt } from "./attempt.ts";
import { attemptItem } from "./attempt_effects.ts";
import type { Backlog } from "./backlog.ts";
import type { Breaker } from "./breaker.ts";
import type { Journal } from "./journal.ts";
import type { ProviderLimits } from "./provider_limits.ts";
import type { Questions } from "./questions.ts";
import type { Resumption } from "./resumption.ts";
import type { Scheduler } from "./scheduler.ts";
import { retryIsCharged } from "./settlement.ts";

/** What {@linkcode AgentMessages} needs. */
export interface AgentMessagesOptions {
  readonly answers: Answers;
  readonly breaker: Breaker;
  readonly limits: ProviderLimits;
  readonly questions: Questions;
  readonly resumption: Resumption;
  readonly scheduler: Scheduler;
  readonly journal: Journal;
  readonly backlog: Backlog;
  /** How many failures at once, in a row, suspend an agent; 0 is never. */
  readonly suspendAfter: number;
  /** The largest frame taken, in bytes of UTF-8. */
  readonly maxFrameBytes: number;
  /** The largest message taken, in bytes of UTF-8; it may change when NATS reconnects. */
  readonly maxMessageBytes: () => number;
}

/** What an agent says about work that ends it with no outcome, or does not end it. */
const NO_OUTCOMES: readonly string[] = [AGENT_TYPE.retry, AGENT_TYPE.ask];
/** More lines than this in one frame close the agent: each bad one is answered. */
const MAX_FRAME_LINES = 10_000;
/** After an attempt that is not charged, work waits for so long at least, in milliseconds. */
const UNCHARGED_DELAY_MS = 1_000;
/** An attempt that fails within this of being sent has not really begun, in milliseconds. */
const AT_ONCE_MS = 1_000;
const RELAY_TYPES: readonly string[] = Object.values(RELAY_TYPE);
/** How many characters of an agent's reason to release work go into events and dead letters. */
const MAX_REASON_CHARACTERS = 500;
/** A date and time (RFC 3339, section 5.6). */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
/** An agent's own word for why it releases work. */
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
      else if (agent.v1) agent.refuse("invalid_message", parsed.reason);
      else agent.close(CLOSE.invalidFrame, parsed.reason);
      if (agent.closed) return;
    }
  }

  #message(agent: AgentConnection, text: string, message: Message): void {
    const asks = agent.v1 && message.type === AGENT_TYPE.ask;
    if (isReservedType(message.type) && !asks) return this.#reserved(agent, message);
    if (agent.v1 && (message.type === AGENT_TYPE.drain || message.type === AGENT_TYPE.resume)) {
      return this.#aboutItself(agent, message);
    }
    const attempt = agent.find(message);
    if (attempt === undefined) return this.#unmatched(agent, text, message);
    if (attempt.state === "resuming") return this.#early(agent, attempt, text, message);
    if (attempt.id !== message.id) {
      const reason = `id is ${JSON.stringify(message.id)}, the lease's is ${attempt.id}`;
      return agent.refuse("id_mismatch", reason, attempt.offered);
    }
    attempt.named();
    if (isReport(message)) return this.#report(agent, attempt, text, message);
    if (asks) return this.#ask(agent, attempt, message);
    if (message.type === AGENT_TYPE.retry) return this.#retry(agent, attempt, message);
    this.#result(agent, attempt, text, message);
  }

  /** Changes nothing but that a plain agent, which cannot be told, is closed with the reason. */
  #reserved(agent: AgentConnection, message: Message): void {
    const type = `type is ${JSON.stringify(message.type)}`;
    if (!agent.v1) return agent.close(CLOSE.invalidFrame, `${type}, which is reserved`);
    const lease = shortLease(message);
    if (RELAY_TYPES.includes(message.type)) {
      return agent.refuse("reserved_type", `${type}, which only a relay sends`, lease);
    }
    const reason = `${type}, which this relay does not know; relay.welcome has its capabilities`;
    agent.refuse("unknown_type", reason, lease);
  }

  #aboutItself(agent: AgentConnection, message: Message): void {
    if (message.lease !== undefined) {
      const reason = `${message.type} is about the agent, and has no lease`;
      return agent.refuse("invalid_message", reason, shortLease(message));
    }
    if (message.type === AGENT_TYPE.drain) return this.#drain(agent);
    const reason = this.#options.resumption.resume(agent, message.payload.leases);
    if (reason !== undefined) agent.refuse("invalid_resume", reason);
  }

  /** It becomes an event, with the work item added. */
  #report(agent: AgentConnection, attempt: Attempt, text: string, message: Message): void {
    if (attempt.state !== "running") return;
    const bare = withoutLease(agent, text, message, attempt);
    const item = JSON.stringify(attemptItem(attempt));
    const event = `${bare.slice(0, bare.lastIndexOf("}"))},"work":${item}}`;
    const limit = this.#options.maxMessageBytes();
    const size = bytesBeyond(event, limit);
    if (size === undefined) return this.#options.journal.forward(attempt.session, event);
    const reason = `${message.type} is ${size} bytes, limit is ${limit}`;
    agent.refuse("progress_too_large", reason, attempt.offered);
  }

  #ask(agent: AgentConnection, attempt: Attempt, { payload }: Message): void {
    if (attempt.state === "running") this.#options.questions.ask(agent, attempt, payload);
  }

  #retry(agent: AgentConnection, attempt: Attempt, message: Message): void {
    const { message: why, reason: word, charge } = message.payload;
    const delay = retryDelay(message.payload);
    if (delay.wrong !== undefined) {
      const reason = `${delay.wrong}; the work was given back without a delay`;
      agent.refuse("invalid_delay", reason, attempt.offered);
    }
    const reason = typeof why === "string"
      ? why.slice(0, MAX_REASON_CHARACTERS)
      : "the agent gave it back";
    const code = typeof word === "string" && REASON.test(word) ? word : "retry";
    const charged = retryIsCharged(code, charge);
    if (attempt.state === "running") this.#notWorked(agent, code, reason, delay.ms, message);
    const { at: notBefore } = delay;
    // What costs nothing is not to be done again and again without a pause.
    const delayMs = charged ? delay.ms : Math.max(delay.ms, UNCHARGED_DELAY_MS);
    const isQuick = performance.now() - attempt.sentAt < AT_ONCE_MS;
    if (charged && !isQuick) this.#options.breaker.worked(agent);
    const released = { delayMs, charged, ...(notBefore !== undefined && { notBefore }) };
    attempt.retried({ code, message: reason }, released);
    agent.tellStored(attempt.offered);
  }

  #result(agent: AgentConnection, attempt: Attempt, text: string, message: Message): void {
    // The answer to a superseded one is not kept.
    if (attempt.state === "running") {
      if (this.#overloads(agent, text.length)) return;
      if (this.#failsAtOnce(agent, attempt, message)) return;
    }
    attempt.answered({ text: withoutLease(agent, text, message, attempt), type: message.type });
  }

  /** An agent gives work back: whether it, or its provider, is at fault. */
  #notWorked(
    agent: AgentConnection,
    code: string,
    message: string,
    delayMs: number,
    { payload: { limit_key: key } }: Message,
  ): void {
    const { breaker, limits } = this.#options;
    if (code === "not_accepted") breaker.failed(agent, { code, message });
    if (code !== "limited") return;
    if (isLimitKey(key)) agent.limitKey = key;
    limits.reached(agent, Date.now() + delayMs, message);
  }

  /**
   * An agent that has shown nothing yet, or fails again and again, is not the only one to be asked:
   * if it says at once that work has failed, another agent tries first.
   *
   * @returns Whether the work is released to another agent.
   */
  #failsAtOnce(agent: AgentConnection, attempt: Attempt, { type, payload }: Message): boolean {
    const { breaker, scheduler, suspendAfter } = this.#options;
    const isQuick = performance.now() - attempt.sentAt < AT_ONCE_MS;
    if (type !== AGENT_TYPE.error || !isQuick) {
      breaker.worked(agent);
      return false;
    }
    const { code, message } = payload;
    const reason = {
      code: typeof code === "string" && REASON.test(code) ? code : "failed",
      message: typeof message === "string" ? message.slice(0, MAX_REASON_CHARACTERS) : "",
    };
    const { isSuspect } = agent.health;
    breaker.failed(agent, reason);
    const others = suspendAfter > 0 && isSuspect && scheduler.hasOther(attempt, agent);
    if (!others) return false;
    attempt.retried(reason, { delayMs: 0, charged: true });
    agent.tellStored(attempt.offered);
    return true;
  }

  /** A message about an attempt that the agent resumes: put off until it is known whether it has it. */
  #early(agent: AgentConnection, attempt: Attempt, text: string, message: Message): void {
    if (this.#overloads(agent, text.length)) return;
    const hear = () => this.#message(agent, text, message);
    if (!attempt.defers({ characters: text.length, hear })) this.#late(agent, text, message);
  }

  /** A message about what the agent does not have. */
  #unmatched(agent: AgentConnection, text: string, message: Message): void {
    if (agent.v1 && message.lease !== undefined) return this.#late(agent, text, message);
    if (isReport(message) || message.type === AGENT_TYPE.ask) return;
    const known = !agent.v1 && agent.hasAnswered(message.id);
    const type = known ? "result.duplicate" : "result.unmatched";
    const item = { id: message.id, role: agent.role, agent_id: agent.agentId };
    this.#options.journal.work(agent.session, type, item);
    const reason = `no work with the id ${JSON.stringify(message.id)} is in this agent's hands, ` +
      "or several are and the message has no lease";
    agent.refuse("unknown_work", reason);
  }

  #drain(agent: AgentConnection): void {
    agent.drain();
    this.#options.scheduler.slotsChanged(agent);
  }

  /** A message with a lease that this connection was not given, or has not any more. */
  #late(agent: AgentConnection, text: string, message: Message): void {
    const lease = typeof message.lease === "string" ? parseLease(message.lease) : undefined;
    if (lease?.roleKey !== agent.roleId.key) {
      const reason = "lease is not of this agent's session and role";
      return agent.refuse("foreign_lease", reason, shortLease(message));
    }
    if (isReport(message) || NO_OUTCOMES.includes(message.type)) {
      const reason = "the work of this lease is not in this agent's hands any more";
      return agent.refuse("lease_lost", reason, lease.subject);
    }
    if (this.#overloads(agent, text.length)) return;
    const answer = { text: stripLease(text, lease.subject), type: message.type };
    void this.#options.answers.late(agent, answer, message.id, lease);
  }

  /** Closes an agent whose message cannot be held: it says it again when it is back. */
  #overloads(agent: AgentConnection, characters: number): boolean {
    const refusal = this.#options.backlog.refusal(characters);
    if (refusal !== undefined) agent.close(CLOSE.overloaded, refusal);
    return refusal !== undefined;
  }
}

/** When work is to be handed out again, in milliseconds from now, and as a time if that was said; or what is wrong. */
function retryDelay(
  { delay_ms: delay = 0, not_before: time }: Message["payload"],
): { readonly ms: number; readonly at?: number; readonly wrong?: string } {
  if (time !== undefined) {
    const ms = typeof time === "string" && DATE_TIME.test(time) ? Date.parse(time) : NaN;
    const left = Math.max(0, Math.round(ms - Date.now()));
    if (left <= MAX_RETRY_DELAY_MS) return { ms: left, at: ms };
    const shown = typeof time === "string" ? JSON.stringify(time.slice(0, 64)) : describe(time);
    const limit = new Date(Date.now() + MAX_RETRY_DELAY_MS).toISOString();
    return { ms: 0, wrong: `not_before is ${shown}, allowed is an RFC 3339 time up to ${limit}` };
  }
  if (typeof delay === "number" && delay >= 0 && delay <= MAX_RETRY_DELAY_MS) {
    return { ms: Math.round(delay) };
  }
  const shown = typeof delay === "number" ? delay : describe(delay);
  return { ms: 0, wrong: `delay_ms is ${shown}, allowed is 0 to ${MAX_RETRY_DELAY_MS}` };
}

function isReport({ type }: Message): boolean {
  return REPORT_TYPES.includes(type);
}

/** A v1 agent's message as others may have it. */
function withoutLease(
  { v1 }: AgentConnection,
  text: string,
  { lease }: Message,
  { offered }: Attempt,
): string {
  return v1 && lease !== undefined ? stripLease(text, offered) : text;
}

/** The lease that an agent has named, unless it is too long to be one: then nothing is sent back. */
function shortLease({ lease }: Message): string | undefined {
  return typeof lease === "string" && lease.length <= MAX_LEASE_CHARACTERS ? lease : undefined;
}

function hasMoreLines(frame: string, limit: number): boolean {
  return frame.length > limit && frame.split("\n", limit + 1).length > limit;
}
