/**
 * The relay: agents' connections on one side, the bus on the other.
 *
 * Invariants:
 * 1. Every delivery is in `#works` from its arrival until its outcome is stored or it is given back.
 * 2. All that one turn of the event loop brings is sent, pulled and stored together at its end.
 * 3. A role is open exactly while it has agents.
 *
 * @module
 */
import {
  type Acknowledger,
  type AgentRecord,
  type AgentsQuery,
  type AgentStop,
  type CancelledHolder,
  type CancelNotice,
  CLOSE,
  type Connection,
  type Delivery,
  invalidName,
  LeaseExchange,
  type LogWriter,
  RELAY_TYPE,
  VERSION,
  type WelcomePayload,
  type WorkQueue,
} from "@ourocodus/bus";
import { getLogger } from "@logtape/logtape";
import { nuid } from "@nats-io/nats-core";
import { AgentConnection, type AgentSocket, type SocketEnd } from "./agent_connection.ts";
import type { AgentRequest } from "./agent_request.ts";
import { agentItem, Agents } from "./agents.ts";
import { Deliveries } from "./deliveries.ts";
import { drain } from "./drain.ts";
import { Backlog } from "./backlog.ts";
import { Journal } from "./journal.ts";
import { LeftWork } from "./left_work.ts";
import { AgentMessages } from "./messages.ts";
import { RelayMetrics } from "./metrics.ts";
import { Offers } from "./offers.ts";
import { OutcomeReader } from "./outcome_reader.ts";
import { Outcomes } from "./outcomes.ts";
import { Resumption } from "./resumption.ts";
import type { Role } from "./role.ts";
import { Roles } from "./roles.ts";
import type { RelayLimits } from "./settings.ts";
import { Turn, type TurnEnd } from "./turn.ts";
import { monotonicMs, type Work } from "./work.ts";
import { Withdrawal } from "./withdrawal.ts";
import { Works } from "./works.ts";

/** What a relay is made of. */
export interface RelayParts {
  readonly connection: Connection;
  readonly queue: WorkQueue;
  readonly writer: LogWriter;
  readonly acknowledger: Acknowledger;
  /** The log's duplicate window, in milliseconds. */
  readonly duplicateWindowMs: number;
  /** Told when work cannot be pulled; the stream may have gone. */
  readonly onProblem?: () => void;
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
/** How often a v1 agent hears something, in milliseconds. */
const HEARTBEAT_MS = 15_000;
const log = getLogger(["ourocodus", "relay"]);

/** A relay. */
export class Relay {
  readonly id: string = `relay-${nuid.next()}`;
  readonly metrics: RelayMetrics = new RelayMetrics();
  readonly #parts: RelayParts;
  readonly #limits: RelayLimits;
  readonly #journal: Journal;
  readonly #outcomeReader: OutcomeReader;
  readonly #works: Works;
  readonly #messages: AgentMessages;
  readonly #exchange: LeaseExchange;
  readonly #deliveries: Deliveries;
  readonly #offers: Offers;
  readonly #withdrawal: Withdrawal;
  readonly #leftWork: LeftWork;
  readonly #backlog: Backlog;
  readonly #turn = new Turn((end) => this.#endTurn(end));
  readonly #startedAt = monotonicMs();
  readonly #agents = new Agents(HEARTBEAT_MS);
  readonly #roles: Roles;
  readonly #keeper: ReturnType<typeof setInterval>;
  readonly #unlisten: () => void;
  #draining = false;
  #overloaded = false;

  constructor(parts: RelayParts, limits: RelayLimits) {
    const { connection, writer, queue } = parts;
    this.#parts = parts;
    this.#limits = limits;
    this.#backlog = new Backlog(writer, limits.maxHeldBytes);
    this.#roles = new Roles(queue, {
      onWork: (role, delivery) => this.#delivered(role, delivery),
      onProblem: ({ session, role }, reason) => {
        log.warn("work cannot be pulled yet", { session, role, reason });
        parts.onProblem?.();
      },
    });
    this.#journal = new Journal({
      writer,
      relayId: this.id,
      // The rest is for results: no flood of events may take their room.
      maxHeldBytes: limits.maxHeldBytes / 2,
      onPending: () => this.#turn.something(),
    });
    const onProblem = (reason: string) => log.warn("an outcome cannot be stored yet", { reason });
    const outcomeReader = new OutcomeReader({ connection, onProblem });
    this.#outcomeReader = outcomeReader;
    const outcomes = new Outcomes({
      ...parts,
      reader: outcomeReader,
      backlog: this.#backlog,
      onProblem,
    });
    this.#exchange = new LeaseExchange(connection, {
      relayId: this.id,
      holder: {
        keepsDelivered: (lease) => isKept(this.#works.renew(lease)),
        objectsTo: (lease, agentId) => this.#leftWork.objectsTo(lease, agentId),
        returned: (lease) => this.#works.returned(lease),
        answered: (lease) => this.#withdrawal.answeredElsewhere(lease),
        sequences: () => Array.from(this.#works.all(), ({ lease }) => lease.sequence),
      },
    });
    this.#works = new Works({
      connection,
      queue,
      outcomes,
      journal: this.#journal,
      metrics: this.metrics,
      maxDeliver: limits.maxDeliver,
      graceMs: limits.graceMs,
      onReturn: (lease) => this.#exchange.tellReturned(lease),
      onPending: () => this.#turn.something(),
    });
    this.#offers = new Offers({
      roles: this.#roles,
      works: this.#works,
      journal: this.#journal,
      metrics: this.metrics,
      turn: this.#turn,
      draining: () => this.#draining,
      pull: (role) => this.#pull(role),
    });
    this.#leftWork = new LeftWork({
      works: this.#works,
      connected: (agent) => this.#agents.find(agent),
      draining: () => this.#draining,
      offers: this.#offers,
    });
    this.#withdrawal = new Withdrawal({
      relayId: this.id,
      works: this.#works,
      offers: this.#offers,
      exchange: this.#exchange,
    });
    this.#deliveries = new Deliveries({
      works: this.#works,
      outcomes,
      outcomeReader,
      acknowledger: parts.acknowledger,
      exchange: this.#exchange,
      maxDeliver: limits.maxDeliver,
      offers: this.#offers,
      turn: this.#turn,
    });
    const resumption = new Resumption({
      works: this.#works,
      outcomeReader,
      queue,
      exchange: this.#exchange,
      backlog: this.#backlog,
      objectionMs: () => this.#deliveries.answerMs,
      onGone: (agent, works) => this.#leftWork.left(agent, works),
      offers: this.#offers,
      turn: this.#turn,
    });
    this.#messages = new AgentMessages({
      works: this.#works,
      outcomes,
      outcomeReader,
      journal: this.#journal,
      metrics: this.metrics,
      resumption,
      withdrawal: this.#withdrawal,
      backlog: this.#backlog,
      ackWaitMs: queue.ackWaitMs,
      maxFrameBytes: limits.maxFrameBytes,
      maxMessageBytes: () => this.maxMessageBytes,
      offers: this.#offers,
      turn: this.#turn,
    });
    this.#keeper = setInterval(() => this.#keep(), queue.ackWaitMs / 6);
    this.#unlisten = connection.listen({
      onLost: () => this.#lost(),
      onRestored: () => this.#restored(),
    });
  }

  /** The largest message that an agent may send, in bytes of UTF-8. */
  get maxMessageBytes(): number {
    const { connection } = this.#parts;
    return Math.min(connection.maxPayloadBytes - HEADER_BYTES, this.#limits.maxFrameBytes);
  }

  /** How many events were dropped, because NATS was away for too long. */
  get droppedEvents(): number {
    return this.#journal.dropped;
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
      held_bytes: this.#backlog.bytes,
      uptime_seconds: Math.floor((monotonicMs() - this.#startedAt) / 1_000),
    };
  }

  /** Its agents, those of one session or role if asked, with their work if asked. */
  agents(query: AgentsQuery = {}): AgentRecord[] {
    return this.#agents.records(query);
  }

  /**
   * Stops an agent: it gets no more work, and is closed for good when it has nothing in hand.
   *
   * @returns What it still has in hand; `undefined` if it is not connected here.
   */
  stopAgent(stop: AgentStop): number | undefined {
    const { session_id: session, role, agent_id: agentId, now } = stop;
    if ([session, role, agentId].some((name) => invalidName(name) !== undefined)) return undefined;
    const agent = this.#agents.find({ session, role, agentId });
    if (agent === undefined) return undefined;
    log.info("an operator stops an agent", { ...agentItem(agent), in_hand: agent.inHand });
    agent.drain(CLOSE.stopped);
    const inHand = now ? 0 : agent.inHand + agent.resuming;
    if (now) agent.close(CLOSE.stopped);
    // Its free slots are gone.
    this.#offers.freed(agent);
    return inHand;
  }

  /** Work is being cancelled; see {@linkcode Withdrawal.cancel}. */
  cancelWork(notice: CancelNotice): CancelledHolder | undefined {
    return this.#withdrawal.cancel(notice);
  }

  /** An agent has connected. @returns What to hand its frames and its end to. */
  connected(request: AgentRequest, socket: AgentSocket): AgentConnection {
    const agent = new AgentConnection(request, socket, Date.now());
    const older = this.#agents.add(agent);
    older?.close(CLOSE.replaced);
    this.#leftWork.comesBack(agent, older);
    this.#roles.open(agent.session, agent.role).join(agent);
    agent.tell(RELAY_TYPE.welcome, this.#welcome(agent));
    this.#journal.event(agent.session, "agent.connected", agentItem(agent));
    log.debug("agent connected", agentItem(agent));
    if (this.#draining) agent.close(CLOSE.draining);
    // It may take work that waits for an agent that cannot take it.
    this.#offers.freed(agent);
    return agent;
  }

  /** An agent has sent a frame. */
  received(agent: AgentConnection, frame: unknown): void {
    if (agent.closed) return;
    // First, so that what the frame brings is stored together with the turn's other things.
    this.#turn.something();
    this.#journal.flush();
    this.#messages.frame(agent, frame);
  }

  /** An agent's socket is gone. It may come back to its work; else that goes to another. */
  disconnected(agent: AgentConnection, end: SocketEnd): void {
    if (!this.#agents.delete(agent)) return;
    agent.gone(end);
    const role = this.#roles.open(agent.session, agent.role);
    const waiting = role.leave(agent);
    // Before its work goes back: NATS would hand it out for slots that are gone, to nobody, and
    // again only when its lease has run out.
    if (role.agents.size === 0) this.#roles.close(role, !this.#draining);
    else this.#pull(role);
    const inHand: Work[] = [];
    for (const work of [...agent.works()]) {
      if (work.state === "in_hand") inHand.push(work);
      else this.#works.forget(work);
    }
    if (inHand.length > 0) this.#leftWork.left(agent, inHand);
    for (const work of waiting) this.#works.giveBack(work, "disconnected");
    const gone = { ...agentItem(agent), ...agent.end };
    this.#journal.event(agent.session, "agent.disconnected", gone);
    log.debug("agent disconnected", gone);
    this.#turn.something();
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
    await drain({
      works: this.#works,
      leftWork: this.#leftWork,
      roles: this.#roles,
      agents: this.#agents,
      turn: this.#turn,
      journal: this.#journal,
    }, { graceMs, signal });
  }

  /** Stops everything at once. What is not stored by now is handed out again by NATS. */
  async close(): Promise<void> {
    clearInterval(this.#keeper);
    this.#agents.close();
    this.#turn.close();
    this.#journal.close();
    this.#unlisten();
    this.#exchange.close();
    this.#works.close();
    this.#outcomeReader.close();
    await this.#roles.closed();
  }

  /** Work has come from the queue. */
  #delivered(role: Role, delivery: Delivery): void {
    // What was asked for has been used up, whatever becomes of it.
    this.#turn.role(role);
    this.#deliveries.delivered(role, delivery);
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
      heartbeat_seconds: HEARTBEAT_MS / 1_000,
    };
  }

  #endTurn({ agents, roles }: TurnEnd): void {
    for (const agent of agents) {
      agent.flush(this.#limits.maxUnreadBytes);
      const end = agent.endsWith ?? (this.#draining ? CLOSE.draining : undefined);
      if (end !== undefined && agent.idle) agent.close(end);
    }
    this.#journal.endTurn();
    this.#parts.writer.flush();
    this.#parts.acknowledger.flush();
    const wasOverloaded = this.#overloaded;
    this.#overloaded = this.#backlog.isHigh;
    // Under overload every role has stopped asking, not only those that this turn is about.
    const asking = wasOverloaded && !this.#overloaded ? this.#roles : roles;
    for (const role of asking) this.#pull(role);
  }

  /** Asks for as much as a role's agents can take now. */
  #pull(role: Role): void {
    if (!this.#draining) role.pull(!this.#overloaded);
  }

  #keep(): void {
    this.#works.keepAlive(monotonicMs());
    // Pulling stops under overload; nothing else would begin it again.
    if (this.#overloaded) { for (const role of this.#roles) this.#turn.role(role); }
  }

  #lost(): void {
    log.warn("NATS is away; agents keep their work, results are held", {
      url: this.#parts.connection.url,
    });
    this.#works.lost();
    this.#deliveries.lost(Date.now());
  }

  #restored(): void {
    log.info("NATS is back", { url: this.#parts.connection.url });
    this.metrics.reconnects++;
    this.#works.restored(monotonicMs());
    this.#deliveries.restored(Date.now());
    for (const role of this.#roles) this.#turn.role(role);
  }
}

/** Whether an agent here goes on with work that was delivered elsewhere. */
function isKept(work: Work | undefined): boolean {
  return work !== undefined && work.state !== "answered";
}
