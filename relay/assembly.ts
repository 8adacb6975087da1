/**
 * What a relay is made of, and which part knows which.
 *
 * @module
 */
import {
  type Acknowledger,
  type Connection,
  LeaseExchange,
  type LogWriter,
  type WorkQueue,
} from "@ourocodus/bus";
import { getLogger } from "@logtape/logtape";
import type { Agents } from "./agents.ts";
import { Backlog } from "./backlog.ts";
import { Deliveries } from "./deliveries.ts";
import { Journal } from "./journal.ts";
import { LeftWork } from "./left_work.ts";
import { LogThrottle } from "./log_throttle.ts";
import { AgentMessages } from "./messages.ts";
import type { RelayMetrics } from "./metrics.ts";
import { Offers } from "./offers.ts";
import { OutcomeReader } from "./outcome_reader.ts";
import { Outcomes } from "./outcomes.ts";
import { Resumption } from "./resumption.ts";
import type { Role } from "./role.ts";
import { Roles } from "./roles.ts";
import type { RelayLimits } from "./settings.ts";
import type { Turn } from "./turn.ts";
import { Withdrawal } from "./withdrawal.ts";
import type { Work } from "./work.ts";
import { Works } from "./works.ts";

/** What a relay is given. */
export interface RelayParts {
  readonly connection: Connection;
  readonly queue: WorkQueue;
  readonly writer: LogWriter;
  readonly acknowledger: Acknowledger;
  /** Told when work cannot be pulled; the stream may have gone. */
  readonly onProblem?: () => void;
}

/** What the parts ask of the relay itself. */
export interface AssemblyOwner {
  readonly relayId: string;
  readonly metrics: RelayMetrics;
  readonly agents: Agents;
  readonly turn: Turn;
  /** The largest message that an agent may send, in bytes of UTF-8. */
  readonly maxMessageBytes: () => number;
  readonly draining: () => boolean;
  /** Asks for as much as a role's agents can take now. */
  readonly pull: (role: Role) => void;
}

/** The parts. */
export interface RelayAssembly {
  readonly backlog: Backlog;
  readonly roles: Roles;
  readonly journal: Journal;
  readonly outcomeReader: OutcomeReader;
  readonly exchange: LeaseExchange;
  readonly works: Works;
  readonly offers: Offers;
  readonly leftWork: LeftWork;
  readonly withdrawal: Withdrawal;
  readonly deliveries: Deliveries;
  readonly messages: AgentMessages;
}

const log = getLogger(["ourocodus", "relay"]);

/** Makes the parts, each of which knows only those that it needs. */
export function assemble(
  owner: AssemblyOwner,
  parts: RelayParts,
  limits: RelayLimits,
): RelayAssembly {
  const { connection, writer, queue } = parts;
  const { relayId, metrics, agents, turn, draining } = owner;
  // In a cluster without a leader all roles, and all work, have the same trouble again and again.
  const pulls = new LogThrottle();
  const stores = new LogThrottle();
  const backlog = new Backlog(writer, limits.maxHeldBytes);
  const roles = new Roles(queue, {
    onWork: (role, delivery) => {
      // What was asked for has been used up, whatever becomes of it.
      turn.role(role);
      deliveries.delivered(role, delivery);
    },
    onProblem: ({ id: { session, role } }, reason) => {
      const more = pulls.pass();
      if (more) log.warn("work cannot be pulled yet", { session, role, reason, ...more });
      parts.onProblem?.();
    },
  });
  const journal = new Journal({
    writer,
    relayId,
    // The rest is for results: no flood of events may take their room.
    maxHeldBytes: limits.maxHeldBytes / 2,
    onPending: () => turn.something(),
  });
  const onProblem = (reason: string) => {
    const more = stores.pass();
    if (more) log.warn("an outcome cannot be stored yet", { reason, ...more });
  };
  const outcomeReader = new OutcomeReader({ connection, onProblem });
  const outcomes = new Outcomes({
    ...parts,
    reader: outcomeReader,
    onProblem,
  });
  const exchange = new LeaseExchange(connection, {
    relayId,
    holder: {
      keepsDelivered: (lease) => isKept(works.renew(lease)),
      objectsTo: (lease, agentId) => leftWork.objectsTo(lease, agentId),
      returned: (lease) => works.returned(lease),
      answered: (lease) => withdrawal.answeredElsewhere(lease),
      sequences: () => Array.from(works.all(), ({ lease }) => lease.sequence),
    },
  });
  const works = new Works({
    connection,
    queue,
    outcomes,
    journal,
    metrics,
    maxDeliver: limits.maxDeliver,
    graceMs: limits.graceMs,
    onReturn: (lease) => exchange.tellReturned(lease),
    onPending: () => turn.something(),
  });
  const offers = new Offers({
    roles,
    works,
    journal,
    metrics,
    turn,
    draining,
    pull: owner.pull,
  });
  const leftWork = new LeftWork({
    works,
    connected: (agent) => agents.find(agent),
    draining,
    offers,
    outcomeReader,
    turn,
  });
  const withdrawal = new Withdrawal({
    relayId,
    works,
    offers,
    exchange,
  });
  const deliveries = new Deliveries({
    works,
    outcomes,
    outcomeReader,
    acknowledger: parts.acknowledger,
    exchange,
    maxDeliver: limits.maxDeliver,
    offers,
    turn,
  });
  const resumption = new Resumption({
    works,
    outcomeReader,
    queue,
    exchange,
    backlog,
    objectionMs: () => deliveries.answerMs,
    onGone: (agent, works) => leftWork.left(agent, works),
    offers,
    turn,
  });
  const messages = new AgentMessages({
    works,
    outcomes,
    outcomeReader,
    journal,
    metrics,
    resumption,
    withdrawal,
    backlog,
    maxFrameBytes: limits.maxFrameBytes,
    maxMessageBytes: owner.maxMessageBytes,
    offers,
    turn,
  });
  return {
    backlog,
    roles,
    journal,
    outcomeReader,
    exchange,
    works,
    offers,
    leftWork,
    withdrawal,
    deliveries,
    messages,
  };
}

/** Whether an agent here goes on with work that was delivered elsewhere. */
function isKept(work: Work | undefined): boolean {
  return work !== undefined && work.state !== "answered";
}
