/**
 * The relay: agents' connections on one side, the bus on the other.
 *
 * Invariants:
 * 1. Every delivery is an attempt, from its arrival until its outcome is stored or it is released.
 * 2. All that one turn of the event loop brings is sent, pulled and stored together at its end.
 * 3. A role is open exactly while it has agents.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { nuid } from "@nats-io/nats-core";
import {
  type AgentRecord,
  type AgentsQuery,
  type AgentStop,
  type CancelledHolder,
  type CancelNotice,
  CAPABILITIES,
  CLOSE,
  type DrainPayload,
  type ExtendedWork,
  type ExtendRequest,
  invalidName,
  pause,
  RELAY_TYPE,
  VERSION,
  type WelcomePayload,
} from "@ourocodus/protocol";
import { AgentConnection, type AgentSocket, type SocketEnd } from "./agent_connection.ts";
import type { AgentRequest } from "./agent_request.ts";
import { agentItem, Agents } from "./agents.ts";
import { assemble, type RelayAssembly, type RelayParts } from "./assembly.ts";
import { RelayMetrics } from "./metrics.ts";
import type { RelayLimits } from "./settings.ts";
import { Turn, type TurnEnd } from "./turn.ts";

/** What `GET /health` says. */
export interface RelayHealth {
  readonly status: "healthy" | "draining" | "unhealthy";
  /** Why it is unhealthy. */
  readonly reason?: string;
  readonly nats: "connected" | "disconnected";
  readonly relay_id: string;
  readonly version: string;
  /** Connected agents. */
  readonly agents: number;
  /** Work items that the relay answers for. */
  readonly in_hand: number;
  /** Bytes of results and events that are not stored yet. */
  readonly held_bytes: number;
  readonly uptime_seconds: number;
}

/** What a result and its headers may take of the server's payload limit. */
const HEADER_BYTES = 256;
/** How often a v1 agent hears something, in milliseconds. */
const HEARTBEAT_MS = 15_000;
/** How long draining waits for agents to answer the closing of their sockets, in milliseconds. */
const CLOSE_MS = 1_000;
const log = getLogger(["ourocodus", "relay"]);

/** A relay. */
export class Relay {
  readonly id: string = `relay-${nuid.next()}`;
  readonly metrics: RelayMetrics = new RelayMetrics();
  readonly #parts: RelayParts;
  readonly #limits: RelayLimits;
  readonly #assembly: RelayAssembly;
  readonly #turn = new Turn((end) => this.#endTurn(end));
  /** One for all agents: each would be garbage to look at, see agent_web_socket.ts. */
  readonly #onPending = (agent: AgentConnection) => this.#turn.agent(agent);
  readonly #startedAt = performance.now();
  readonly #agents = new Agents(HEARTBEAT_MS);
  readonly #keeper: ReturnType<typeof setInterval>;
  readonly #unlisten: () => void;

  constructor(parts: RelayParts, limits: RelayLimits) {
    const { connection, queue } = parts;
    this.#parts = parts;
    this.#limits = limits;
    this.#assembly = assemble(
      {
        relayId: this.id,
        metrics: this.metrics,
        agents: this.#agents,
        turn: this.#turn,
        maxMessageBytes: () => this.maxMessageBytes,
      },
      parts,
      limits,
    );
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

  /** How many of its agents take no work for now. */
  get pausedAgents(): number {
    return this.#agents.paused;
  }

  /** How many events were dropped, because NATS was away for too long. */
  get droppedEvents(): number {
    return this.#assembly.journal.dropped;
  }

  /** Whether it is going away and takes no more agents. */
  get draining(): boolean {
    return this.#assembly.scheduler.draining;
  }

  /** Why it cannot do its work for now, if so: NATS is away, or stores nothing. */
  get trouble(): string | undefined {
    const { connection, writer } = this.#parts;
    return connection.connected ? writer.trouble : "NATS is away";
  }

  /** How it is. */
  health(): RelayHealth {
    const { connected } = this.#parts.connection;
    const { trouble: reason } = this;
    const well = this.draining ? "draining" : "healthy";
    return {
      status: reason === undefined ? well : "unhealthy",
      ...(reason !== undefined && { reason }),
      nats: connected ? "connected" : "disconnected",
      relay_id: this.id,
      version: VERSION,
      agents: this.#agents.size,
      in_hand: this.#assembly.attempts.size,
      held_bytes: this.#assembly.backlog.bytes,
      uptime_seconds: Math.floor((performance.now() - this.#startedAt) / 1_000),
    };
  }

  /** Its agents, those of one session or role if asked, with their work if asked. */
  agents(query: AgentsQuery = {}): AgentRecord[] {
    return this.#agents.records(query);
  }

  /**
   * Stops an agent: it gets no more work, and is closed for good when it has none left.
   *
   * @returns How many attempts it still has; `undefined` if it is not connected here.
   */
  stopAgent(stop: AgentStop): number | undefined {
    const { session_id: session, role, agent_id: agentId, now } = stop;
    if ([session, role, agentId].some((name) => invalidName(name) !== undefined)) return undefined;
    const agent = this.#agents.find({ session, role, agentId });
    if (agent === undefined) return undefined;
    const { taken } = agent;
    log.info("an operator stops an agent", { ...agentItem(agent), in_hand: taken });
    agent.drain(CLOSE.stopped);
    if (now) agent.close(CLOSE.stopped);
    // Its free slots are gone.
    this.#assembly.scheduler.slotsChanged(agent);
    return now ? 0 : taken;
  }

  /** Work is being cancelled; see {@linkcode Peers.cancel}. */
  cancelWork(notice: CancelNotice): CancelledHolder | undefined {
    return this.#assembly.peers.cancel(notice);
  }

  /** Gives work more time. @returns Who has it; `undefined` if no agent here. */
  extendWork({ work, ms }: ExtendRequest): ExtendedWork | undefined {
    const attempt = this.#assembly.attempts.get(work);
    if (attempt?.agentId === undefined || !attempt.prolong(ms)) return undefined;
    const { agentId: agent_id, number } = attempt;
    const { deadline } = attempt.time?.limits ?? {};
    log.info("work gets more time", { seq: attempt.lease.sequence, agent_id, ms });
    return {
      ...{ relay_id: this.id, agent_id, attempt: number },
      ...(deadline && { deadline: new Date(deadline.at).toISOString() }),
    };
  }

  /** An agent has connected. @returns What to hand its frames and its end to. */
  connected(request: AgentRequest, socket: AgentSocket): AgentConnection {
    const { breaker, providerLimits, resumption, scheduler, journal } = this.#assembly;
    const agent = new AgentConnection(request, socket, this.#onPending);
    const older = this.#agents.add(agent);
    agent.health = breaker.joined(agent);
    providerLimits.joined(agent);
    older?.replaced();
    resumption.comesBack(agent, older);
    scheduler.join(agent);
    agent.tell(RELAY_TYPE.welcome, this.#welcome(agent));
    journal.event(agent.session, "agent.connected", agentItem(agent));
    log.debug("agent connected", agentItem(agent));
    if (this.draining) agent.close(CLOSE.draining);
    // It may take what waits for an agent that cannot take it.
    scheduler.slotsChanged(agent);
    return agent;
  }

  /** An agent has sent a frame. */
  received(agent: AgentConnection, frame: unknown): void {
    if (agent.closed) return;
    // First, so that what the frame brings is stored together with the turn's other things.
    this.#turn.something();
    this.#assembly.journal.flush();
    this.#assembly.messages.frame(agent, frame);
  }

  /** An agent's socket is gone. It may come back to its work; else that goes to another. */
  disconnected(agent: AgentConnection, end: SocketEnd): void {
    if (!this.#agents.delete(agent)) return;
    agent.gone(end);
    this.#assembly.breaker.left(agent);
    this.#assembly.scheduler.leave(agent);
    for (const attempt of agent.attempts()) attempt.socketLost();
    const gone = { ...agentItem(agent), ...agent.end };
    this.#assembly.journal.event(agent.session, "agent.disconnected", gone);
    log.debug("agent disconnected", gone);
    this.#turn.something();
  }

  /**
   * Ends it: takes no more work, waits for what agents have, releases the rest, and closes every
   * agent.
   *
   * @param graceMs How long to wait for what agents have, in milliseconds.
   * @param signal Aborts the waiting.
   */
  async drain(graceMs: number, signal?: AbortSignal): Promise<void> {
    const { attempts, scheduler, journal } = this.#assembly;
    const agents = this.#agents;
    scheduler.drain();
    for (const attempt of attempts) if (attempt.state === "away") attempt.relayDrains();
    for (const agent of agents) {
      agent.tell(RELAY_TYPE.drain, { seconds: graceMs / 1_000 } satisfies DrainPayload);
    }
    const deadline = performance.now() + graceMs;
    const busy = () => agents.size > 0 || attempts.size > 0;
    while (busy() && performance.now() < deadline && !signal?.aborted) await pause(20);
    for (const agent of agents) {
      for (const attempt of agent.attempts()) attempt.relayDrains();
      agent.close(CLOSE.draining);
    }
    journal.flush();
    this.#turn.end();
    const gone = performance.now() + CLOSE_MS;
    while (agents.size > 0 && performance.now() < gone) await pause(5);
  }

  /** Stops everything at once. What is not stored by now is handed out again by NATS. */
  async close(): Promise<void> {
    clearInterval(this.#keeper);
    this.#agents.close();
    this.#turn.close();
    this.#assembly.journal.close();
    this.#unlisten();
    this.#assembly.peers.close();
    this.#assembly.breaker.close();
    this.#assembly.watch.close();
    this.#assembly.questions.close();
    this.#assembly.conversations.close();
    this.#assembly.providerLimits.close();
    this.#assembly.effects.close();
    this.#assembly.outcomeReader.close();
    await this.#assembly.scheduler.closed();
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
      capabilities: CAPABILITIES,
    };
  }

  #endTurn({ agents, roles }: TurnEnd): void {
    const { scheduler, journal, backlog } = this.#assembly;
    scheduler.handOut(roles);
    for (const agent of agents) {
      agent.flush(this.#limits.maxUnreadBytes);
      const end = agent.endsWith ?? (this.draining ? CLOSE.draining : undefined);
      if (end !== undefined && agent.idle) agent.close(end);
    }
    journal.endTurn();
    this.#parts.writer.flush();
    this.#parts.acknowledger.flush();
    scheduler.ask(roles, backlog.isHigh);
  }

  /** Extends each lease that has not been extended for a third of its time. Called a few times in it. */
  #keep(): void {
    const { attempts, scheduler } = this.#assembly;
    const { connection, queue: { ackWaitMs } } = this.#parts;
    const now = performance.now();
    if (connection.connected) {
      for (const attempt of attempts) {
        if (now - attempt.keptAt >= ackWaitMs / 3) attempt.extend(now, ackWaitMs);
      }
    }
    scheduler.keep();
  }

  #lost(): void {
    log.warn("NATS is away; agents keep their work, results are held", {
      url: this.#parts.connection.url,
    });
  }

  #restored(): void {
    log.info("NATS is back", { url: this.#parts.connection.url });
    this.metrics.reconnects++;
    const { attempts, releases, peers, scheduler } = this.#assembly;
    const now = performance.now();
    for (const attempt of attempts) attempt.extend(now, this.#parts.queue.ackWaitMs);
    releases.restored(now);
    peers.restored(Date.now());
    scheduler.askAgain();
  }
}
