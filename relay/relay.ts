/**
 * The relay: agents' connections on one side, the bus on the other.
 *
 * Invariants:
 * 1. Every delivery is in `#works` from its arrival until its outcome is stored or it is given
 *    back, and its lease is kept alive for as long as it is there.
 * 2. All that one turn of the event loop brings is sent, pulled and stored together at its end.
 * 3. What agents send is untrusted: a lease is looked up among their own work, or parsed and
 *    compared with their session and role, before anything is done with it.
 *
 * @module
 */
import {
  type Acknowledger,
  AGENT_TYPE,
  type AgentRecord,
  CLOSE,
  type Connection,
  consumerName,
  type Delivery,
  type DrainPayload,
  type Lease,
  type LogWriter,
  MAX_RETRY_DELAY_MS,
  type Message,
  parseLease,
  parseMessage,
  RELAY_TYPE,
  type RelayErrorPayload,
  splitFrame,
  type Stored,
  stripLease,
  VERSION,
  type WelcomePayload,
  type WorkQueue,
} from "@ourocodus/bus";
import { getLogger } from "@logtape/logtape";
import { nuid } from "@nats-io/nats-core";
import { AgentConnection, type AgentSocket } from "./agent_connection.ts";
import type { AgentRequest } from "./agent_request.ts";
import { Journal } from "./journal.ts";
import { Outcomes, type Reason } from "./outcomes.ts";
import { Role } from "./role.ts";
import type { RelayLimits } from "./settings.ts";
import { type Work, workItem } from "./work.ts";

/** What a relay is made of. */
export interface RelayParts {
  readonly connection: Connection;
  readonly queue: WorkQueue;
  readonly writer: LogWriter;
  readonly acknowledger: Acknowledger;
  /** The log's duplicate window, in milliseconds. */
  readonly duplicateWindowMs: number;
}

/** What `GET /health` says. */
export interface RelayHealth {
  readonly status: "healthy" | "draining" | "unhealthy";
  readonly nats: "connected" | "disconnected";
  readonly relay_id: string;
  readonly version: string;
  /** Connected agents. */
  readonly agents: number;
  /** Pieces of work that the relay answers for. */
  readonly in_hand: number;
  /** Bytes of results and events that are not stored yet. */
  readonly held_bytes: number;
  readonly uptime_seconds: number;
}

/** What a result and its headers may take of the server's payload limit. */
const HEADER_BYTES = 256;
const log = getLogger(["ourocodus", "relay"]);

/** A relay. */
export class Relay {
  readonly id: string = `relay-${nuid.next()}`;
  readonly #parts: RelayParts;
  readonly #limits: RelayLimits;
  readonly #journal: Journal;
  readonly #outcomes: Outcomes;
  readonly #startedAt = Date.now();
  readonly #roles = new Map<string, Role>();
  readonly #agents = new Set<AgentConnection>();
  /** Session, role and agent id → connection. */
  readonly #byId = new Map<string, AgentConnection>();
  /** The work's identity → the work. */
  readonly #works = new Map<string, Work>();
  /** Leases to give back as soon as NATS is there again. */
  #returns: string[] = [];
  readonly #dirtyAgents = new Set<AgentConnection>();
  readonly #dirtyRoles = new Set<Role>();
  #turn: ReturnType<typeof setImmediate> | undefined;
  #draining = false;
  #overloaded = false;
  readonly #keeper: ReturnType<typeof setInterval>;
  readonly #unlisten: () => void;
  readonly #closings = new Set<Promise<void>>();

  constructor(parts: RelayParts, limits: RelayLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#journal = new Journal(parts.writer, this.id, limits.maxHeldBytes);
    this.#outcomes = new Outcomes({ ...parts, onProblem: (reason) => log.warn(reason) });
    this.#keeper = setInterval(() => this.#keepLeases(), parts.queue.ackWaitMs / 6);
    this.#unlisten = parts.connection.listen({
      onLost: () => this.#lost(),
      onRestored: () => this.#restored(),
    });
  }

  /** The largest message that an agent may send, in bytes of UTF-8. */
  get maxMessageBytes(): number {
    return this.#parts.connection.maxPayloadBytes - HEADER_BYTES;
  }

  /** Whether it is going away and takes no more agents. */
  get draining(): boolean {
    return this.#draining;
  }

  /** How it is. */
  health(): RelayHealth {
    const { connected } = this.#parts.connection;
    return {
      status: !connected ? "unhealthy" : this.#draining ? "draining" : "healthy",
      nats: connected ? "connected" : "disconnected",
      relay_id: this.id,
      version: VERSION,
      agents: this.#agents.size,
      in_hand: this.#works.size,
      held_bytes: this.#parts.writer.heldBytes,
      uptime_seconds: Math.floor((Date.now() - this.#startedAt) / 1_000),
    };
  }

  /** Its agents, those of one session or role if asked. */
  agents(query: { readonly session?: string; readonly role?: string } = {}): AgentRecord[] {
    const { session, role } = query;
    const records: AgentRecord[] = [];
    for (const agent of this.#agents) {
      if (session !== undefined && agent.session !== session) continue;
      if (role !== undefined && agent.role !== role) continue;
      records.push({
        agent_id: agent.agentId,
        session_id: agent.session,
        role: agent.role,
        protocol: agent.v1 ? "ourocodus.v1" : "plain",
        concurrency: agent.concurrency,
        in_hand: agent.inHand,
        connected_at: agent.connectedAt.toISOString(),
      });
    }
    return records;
  }

  /** An agent has connected. @returns What to hand its frames and its end to. */
  connected(request: AgentRequest, socket: AgentSocket): AgentConnection {
    const agent = new AgentConnection(request, socket, new Date());
    const key = agentKey(agent);
    this.#byId.get(key)?.close(CLOSE.replaced);
    this.#byId.set(key, agent);
    this.#agents.add(agent);
    const role = this.#role(agent.session, agent.role);
    role.join(agent);
    agent.tell(RELAY_TYPE.welcome, this.#welcome(agent));
    this.#journal.event(agent.session, "agent.connected", agentItem(agent));
    log.debug("agent connected", agentItem(agent));
    this.#soon(agent, role);
    if (this.#draining) agent.close(CLOSE.draining);
    return agent;
  }

  /** An agent has sent a frame. */
  received(agent: AgentConnection, frame: unknown): void {
    if (agent.closed) return;
    if (typeof frame !== "string") {
      return agent.close(CLOSE.invalidFrame, "binary frame; a message is a text frame");
    }
    const { maxFrameBytes } = this.#limits;
    if (frame.length > maxFrameBytes) {
      const reason = `frame is ${frame.length} characters, limit is ${maxFrameBytes}`;
      return agent.close(CLOSE.frameTooLarge, reason);
    }
    for (const text of agent.v1 ? splitFrame(frame) : [frame]) {
      const parsed = parseMessage(text);
      if (parsed.kind === "ok") this.#message(agent, text, parsed.message);
      else if (agent.v1) this.#refuse(agent, "invalid_message", parsed.reason);
      else return agent.close(CLOSE.invalidFrame, parsed.reason);
    }
  }

  /** An agent's socket is gone. Its work goes to another. */
  disconnected(agent: AgentConnection, code: number, reason: string): void {
    if (!this.#agents.delete(agent)) return;
    agent.gone();
    if (this.#byId.get(agentKey(agent)) === agent) this.#byId.delete(agentKey(agent));
    for (const work of [...agent.works()]) {
      if (work.state === "in_hand") this.#return(work, { code: "disconnected", message: reason });
      else this.#forget(work);
    }
    const role = this.#role(agent.session, agent.role);
    for (const work of role.leave(agent)) this.#giveBack(work, "disconnected");
    this.#journal.event(agent.session, "agent.disconnected", { ...agentItem(agent), code, reason });
    log.debug("agent disconnected", { ...agentItem(agent), code, reason });
    if (role.agents.size === 0) this.#closeRole(role);
    else this.#soon(undefined, role);
  }

  /**
   * Ends it: takes no more work, waits for what agents have in hand, gives the rest back, and
   * closes every agent.
   *
   * @param graceMs How long to wait for work in hand, in milliseconds.
   * @param signal Aborts the waiting.
   */
  async drain(graceMs: number, signal?: AbortSignal): Promise<void> {
    this.#draining = true;
    for (const role of this.#roles.values()) {
      this.#closing(role.close());
      for (const work of role.takeWaiting()) this.#giveBack(work, "draining");
    }
    for (const agent of this.#agents) {
      agent.tell(RELAY_TYPE.drain, { seconds: graceMs / 1_000 } satisfies DrainPayload);
      this.#soon(agent);
    }
    const deadline = Date.now() + graceMs;
    const busy = () => this.#agents.size > 0 || this.#works.size > 0;
    while (busy() && Date.now() < deadline && !signal?.aborted) await pause(20);
    for (const agent of this.#agents) {
      for (const work of [...agent.works()]) {
        if (work.state === "in_hand") this.#giveBack(work, "draining");
      }
      agent.close(CLOSE.draining);
    }
    this.#endTurn();
  }

  /** Stops everything at once. What is not stored by now is handed out again by NATS. */
  async close(): Promise<void> {
    clearInterval(this.#keeper);
    clearImmediate(this.#turn);
    this.#unlisten();
    this.#outcomes.close();
    await Promise.all(this.#closings);
  }

  #role(session: string, role: string): Role {
    const key = consumerName(session, role);
    let found = this.#roles.get(key);
    if (found === undefined) {
      const opened: Role = new Role(
        session,
        role,
        this.#parts.queue.open(session, role, {
          onWork: (delivery) => this.#delivered(opened, delivery),
          onProblem: (reason) => log.warn(reason, { session, role }),
        }),
      );
      found = opened;
      this.#roles.set(key, opened);
    }
    return found;
  }

  #closeRole(role: Role): void {
    this.#roles.delete(consumerName(role.session, role.role));
    this.#dirtyRoles.delete(role);
    this.#closing(role.close());
  }

  #closing(closed: Promise<void>): void {
    this.#closings.add(closed);
    void closed.finally(() => this.#closings.delete(closed));
  }

  /** Work has come from the queue. */
  #delivered(role: Role, delivery: Delivery): void {
    const { lease, text } = delivery;
    const known = this.#works.get(lease.work);
    if (known !== undefined) {
      // Its lease had run out, say while NATS was away. Whoever has it goes on with it.
      known.lease = lease;
      known.sole = false;
      known.keptAt = Date.now();
      return;
    }
    const parsed = text === undefined ? undefined : parseMessage(text);
    const id = parsed?.kind === "ok" ? parsed.message.id : parsed?.id ?? `work-${lease.sequence}`;
    const now = Date.now();
    const work: Work = {
      id,
      session: role.session,
      role: role.role,
      offered: lease.subject,
      lease,
      state: "waiting",
      holder: undefined,
      sole: lease.attempt === 1,
      deliveredAt: now,
      keptAt: now,
    };
    this.#works.set(lease.work, work);
    if (text === undefined || parsed === undefined) {
      return this.#bury(work, { code: "invalid_message", message: "message is not UTF-8" });
    }
    if (parsed.kind === "invalid") {
      return this.#bury(work, { code: "invalid_message", message: parsed.reason });
    }
    if (lease.attempt > this.#limits.maxDeliver) {
      const message = `given up after ${lease.attempt - 1} attempts without a result`;
      return this.#bury(work, { code: "max_deliver", message });
    }
    if (role.agents.size === 0 || this.#draining) return this.#giveBack(work, "no_agent");
    const agent = role.offer(work, text);
    if (agent !== undefined) this.#offered(work, agent);
    this.#soon(agent, role);
  }

  #offered(work: Work, agent: AgentConnection): void {
    const type = work.lease.attempt === 1 ? "work.offered" : "work.redelivered";
    this.#journal.work(work.session, type, workItem(work));
    this.#soon(agent);
  }

  /** An agent has sent a message. */
  #message(agent: AgentConnection, text: string, message: Message): void {
    const work = agent.find(message);
    if (work === undefined) return this.#unmatched(agent, text, message);
    if (work.id !== message.id) {
      const reason = `id is ${JSON.stringify(message.id)}, the lease's is ${work.id}`;
      return this.#refuse(agent, "id_mismatch", reason, work.offered);
    }
    if (work.state === "answered") return this.#answeredElsewhere(agent, work, message);
    switch (message.type) {
      case AGENT_TYPE.progress:
        return this.#progress(agent, work, text);
      case AGENT_TYPE.retry:
        return this.#retry(agent, work, message);
      default:
        return this.#result(agent, work, text);
    }
  }

  #progress(agent: AgentConnection, work: Work, text: string): void {
    const line = agent.v1 ? stripLease(text, work.offered) : text;
    const about = JSON.stringify(workItem(work));
    const size = line.length + about.length;
    if (size > this.maxMessageBytes / 3 && utf8Length(line) + about.length > this.maxMessageBytes) {
      const reason = `progress is ${size} characters, limit is ${this.maxMessageBytes} bytes`;
      return this.#refuse(agent, "progress_too_large", reason, work.offered);
    }
    this.#journal.forward(work.session, `${line.slice(0, line.lastIndexOf("}"))},"work":${about}}`);
  }

  #retry(agent: AgentConnection, work: Work, message: Message): void {
    const delay = message.payload.delay_ms ?? 0;
    let delayMs = 0;
    if (typeof delay === "number" && delay >= 0 && delay <= MAX_RETRY_DELAY_MS) delayMs = delay;
    else {
      const reason =
        `delay_ms is ${JSON.stringify(delay)}, allowed is 0 to ${MAX_RETRY_DELAY_MS}; ` +
        "the work was given back without a delay";
      this.#refuse(agent, "invalid_delay", reason, work.offered);
    }
    const why = message.payload.message;
    this.#return(work, {
      code: "retry",
      message: typeof why === "string" ? why : "the agent gave it back",
    }, Math.round(delayMs));
    agent.confirm(work.offered);
    this.#freed(agent);
  }

  #result(agent: AgentConnection, work: Work, text: string): void {
    const { writer, queue } = this.#parts;
    if (writer.heldBytes + text.length > this.#limits.maxHeldBytes) {
      return agent.close(
        CLOSE.overloaded,
        `${writer.heldBytes} bytes of results wait for NATS, limit is ${this.#limits.maxHeldBytes}`,
      );
    }
    if (Date.now() - work.keptAt >= queue.ackWaitMs) work.sole = false;
    this.#settle(agent, work, agent.v1 ? stripLease(text, work.offered) : text);
    this.#freed(agent);
  }

  /** Stores a result of an agent that has, or had, the work. */
  #settle(agent: AgentConnection, work: Work, text: string): void {
    agent.release(work);
    work.state = "settling";
    agent.unsettled++;
    this.#outcomes.result(work, text, (stored) => {
      this.#works.delete(work.lease.work);
      agent.unsettled--;
      this.#settled(agent, work, stored);
    });
  }

  #settled(agent: AgentConnection, work: Work, stored: Stored): void {
    if (stored.kind === "duplicate") {
      this.#duplicate(agent, { ...workItem(work), agent_id: agent.agentId }, work.offered);
    } else {
      if (stored.kind === "refused") {
        this.#refuse(agent, "result_refused", stored.reason, work.offered);
      }
      agent.confirm(work.offered);
    }
    this.#soon(agent);
  }

  #duplicate(agent: AgentConnection, item: object, lease?: string): void {
    this.#journal.work(agent.session, "result.duplicate", item);
    const reason = "another result was accepted for this work, or it was given up on";
    this.#refuse(agent, "duplicate", reason, lease);
  }

  /** A plain agent has finished work that another has answered meanwhile. */
  #answeredElsewhere(agent: AgentConnection, work: Work, message: Message): void {
    if (message.type === AGENT_TYPE.progress) return;
    const item = workItem(work);
    this.#forget(work);
    if (message.type !== AGENT_TYPE.retry) this.#duplicate(agent, item);
    this.#freed(agent);
  }

  /** An agent has sent a message about work that it has not in hand. */
  #unmatched(agent: AgentConnection, text: string, message: Message): void {
    if (agent.v1 && message.lease !== undefined) return this.#late(agent, text, message);
    if (message.type === AGENT_TYPE.progress) return;
    const known = !agent.v1 && agent.hasAnswered(message.id);
    const type = known ? "result.duplicate" : "result.unmatched";
    const item = { id: message.id, role: agent.role, agent_id: agent.agentId };
    this.#journal.work(agent.session, type, item);
    const reason = `no work with the id ${JSON.stringify(message.id)} is in this agent's hands, ` +
      "or several are and the message has no lease";
    this.#refuse(agent, "unknown_work", reason);
    this.#soon(agent);
  }

  /** A message with a lease that is not this connection's: of an earlier connection, or none at all. */
  #late(agent: AgentConnection, text: string, message: Message): void {
    const lease = typeof message.lease === "string" ? parseLease(message.lease) : undefined;
    if (lease?.consumer !== consumerName(agent.session, agent.role)) {
      const reason = "lease is not of this agent's session and role";
      return this.#refuse(agent, "foreign_lease", reason);
    }
    if (message.type === AGENT_TYPE.progress || message.type === AGENT_TYPE.retry) {
      const reason = "the work of this lease is not in this agent's hands any more";
      return this.#refuse(agent, "lease_lost", reason, lease.subject);
    }
    const known = this.#works.get(lease.work);
    if (known?.state === "settling" || known?.state === "answered") {
      return this.#lateDuplicate(agent, message, lease);
    }
    void this.#lateResult(agent, stripLease(text, lease.subject), message, lease);
  }

  /** Whichever attempt's result is stored first wins, so this one may still. */
  async #lateResult(
    agent: AgentConnection,
    text: string,
    message: Message,
    lease: Lease,
  ): Promise<void> {
    agent.unsettled++;
    const waiting = await this.#outcomes.isWaiting(lease);
    agent.unsettled--;
    const known = this.#works.get(lease.work);
    if (!waiting || known?.state === "settling" || known?.state === "answered") {
      return this.#lateDuplicate(agent, message, lease);
    }
    const { session, role } = agent;
    const outcome = { id: message.id, session, role, lease, sole: false, deliveredAt: Date.now() };
    agent.unsettled++;
    this.#outcomes.result(outcome, text, (stored) => {
      agent.unsettled--;
      if (stored.kind === "duplicate") return this.#lateDuplicate(agent, message, lease);
      if (stored.kind === "refused") {
        this.#refuse(agent, "result_refused", stored.reason, lease.subject);
      }
      agent.confirm(lease.subject);
      this.#soon(agent);
      this.#answered(lease);
    });
  }

  #lateDuplicate(agent: AgentConnection, message: Message, lease: Lease): void {
    const { sequence: seq, attempt, subject } = lease;
    const item = { seq, id: message.id, role: agent.role, attempt, agent_id: agent.agentId };
    this.#duplicate(agent, item, subject);
  }

  /** A piece of work was answered by an earlier attempt: whoever has it now is told. */
  #answered(lease: Lease): void {
    const work = this.#works.get(lease.work);
    if (work === undefined || work.state === "settling") return;
    const agent = work.holder;
    if (agent !== undefined && !agent.v1) {
      work.state = "answered";
      return;
    }
    this.#forget(work);
    if (agent === undefined) return this.#roles.get(work.lease.consumer)?.drop(work);
    agent.tell(RELAY_TYPE.cancel, { lease: work.offered, reason: "answered" });
    this.#freed(agent);
  }

  /** Takes work back from an agent: for another attempt, or for good if there were enough. */
  #return(work: Work, why: Reason, delayMs = 0): void {
    if (work.lease.attempt < this.#limits.maxDeliver) {
      return this.#giveBack(work, why.code, delayMs);
    }
    const message = `given up after ${work.lease.attempt} attempts; the last one: ` +
      `${why.code}${why.message === "" ? "" : `, ${why.message}`}`;
    this.#bury(work, { code: "max_deliver", message });
  }

  #giveBack(work: Work, reason: string, delayMs = 0): void {
    this.#journal.work(work.session, "work.returned", workItem(work, { reason }));
    this.#forget(work);
    if (this.#parts.connection.connected) this.#parts.queue.giveBack(work.lease.subject, delayMs);
    else this.#returns.push(work.lease.subject);
    this.#soon();
  }

  #forget(work: Work): void {
    work.holder?.release(work);
    this.#works.delete(work.lease.work);
  }

  #bury(work: Work, reason: Reason): void {
    const item = workItem(work, { reason: reason.code, error: reason.message });
    work.holder?.release(work);
    work.state = "settling";
    void this.#outcomes.bury(work, reason).then((dead) => {
      this.#works.delete(work.lease.work);
      if (!dead) return;
      log.warn("work is dead", { session: work.session, ...item });
      this.#journal.work(work.session, "work.dead", item);
      this.#soon();
    });
  }

  /** An agent has a free slot again. */
  #freed(agent: AgentConnection): void {
    const role = this.#roles.get(consumerName(agent.session, agent.role));
    if (role === undefined) return;
    for (const taken of role.freed(agent)) this.#offered(taken.work, taken.agent);
    this.#soon(agent, role);
  }

  /** Tells a v1 agent what was wrong with what it sent. */
  #refuse(agent: AgentConnection, code: string, message: string, lease?: string): void {
    agent.tell(RELAY_TYPE.error, { code, message, lease } satisfies RelayErrorPayload);
    this.#soon(agent);
  }

  #welcome(agent: AgentConnection): WelcomePayload {
    return {
      relay_id: this.id,
      version: VERSION,
      agent_id: agent.agentId,
      session_id: agent.session,
      role: agent.role,
      concurrency: agent.concurrency,
      max_message_bytes: this.maxMessageBytes,
    };
  }

  /** Has this turn of the event loop end with sending, pulling and storing. */
  #soon(agent?: AgentConnection, role?: Role): void {
    if (agent !== undefined) this.#dirtyAgents.add(agent);
    if (role !== undefined) this.#dirtyRoles.add(role);
    this.#turn ??= setImmediate(() => this.#endTurn());
  }

  #endTurn(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    for (const agent of this.#dirtyAgents) {
      agent.flush(this.#limits.maxUnreadBytes);
      if (this.#draining && agent.inHand === 0 && agent.unsettled === 0) {
        agent.close(CLOSE.draining);
      }
    }
    this.#dirtyAgents.clear();
    this.#journal.flush();
    this.#parts.writer.flush();
    if (this.#draining) return;
    this.#overloaded = this.#parts.writer.heldBytes > this.#limits.maxHeldBytes / 2;
    for (const role of this.#dirtyRoles) role.pull(!this.#overloaded);
    this.#dirtyRoles.clear();
  }

  #keepLeases(): void {
    const { connection, queue } = this.#parts;
    if (this.#overloaded) { for (const role of this.#roles.values()) this.#soon(undefined, role); }
    if (!connection.connected) return;
    const now = Date.now();
    for (const work of this.#works.values()) {
      const age = now - work.keptAt;
      if (work.state === "answered" || age < queue.ackWaitMs / 3) continue;
      if (age >= queue.ackWaitMs) work.sole = false;
      work.keptAt = now;
      queue.keepAlive(work.lease.subject);
    }
  }

  #lost(): void {
    log.warn("NATS is away; agents keep their work, results are held", {
      url: this.#parts.connection.url,
    });
    for (const work of this.#works.values()) work.sole = false;
  }

  #restored(): void {
    log.info("NATS is back", { url: this.#parts.connection.url });
    const { queue } = this.#parts;
    for (const work of this.#works.values()) {
      if (work.state !== "answered") queue.keepAlive(work.lease.subject);
    }
    for (const lease of this.#returns) queue.giveBack(lease);
    this.#returns = [];
    for (const role of this.#roles.values()) this.#soon(undefined, role);
  }
}

function agentKey(agent: AgentConnection): string {
  return `${consumerName(agent.session, agent.role)}=${agent.agentId}`;
}

function agentItem(agent: AgentConnection): Record<string, unknown> {
  return {
    session_id: agent.session,
    agent_id: agent.agentId,
    role: agent.role,
    protocol: agent.protocol,
    concurrency: agent.concurrency,
  };
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
