/**
 * What a relay is made of, and which part knows which.
 *
 * @module
 */
import type { Acknowledger, Connection, Delivery, LogWriter, WorkQueue } from "@ourocodus/bus";
import { getLogger } from "@logtape/logtape";
import { AgentMessages } from "./agent_messages.ts";
import type { AgentConnection } from "./agent_connection.ts";
import type { AgentPause } from "./agent_health.ts";
import { agentItem, type Agents, pausedItem } from "./agents.ts";
import { Answers } from "./answers.ts";
import { Attempt } from "./attempt.ts";
import { Attempts } from "./attempts.ts";
import { Backlog } from "./backlog.ts";
import { Conversations } from "./conversations.ts";
import { Breaker } from "./breaker.ts";
import { RelayEffects } from "./effects.ts";
import { Journal } from "./journal.ts";
import { LogThrottle } from "./log_throttle.ts";
import type { RelayMetrics } from "./metrics.ts";
import { OutcomeReader } from "./outcome_reader.ts";
import { Outcomes } from "./outcomes.ts";
import { Peers } from "./peers.ts";
import { ProviderLimits } from "./provider_limits.ts";
import { Questions } from "./questions.ts";
import { Releases } from "./releases.ts";
import { Resumption } from "./resumption.ts";
import type { Role } from "./role.ts";
import { Scheduler } from "./scheduler.ts";
import type { RelayLimits } from "./settings.ts";
import type { Turn } from "./turn.ts";
import { Watch } from "./watch.ts";

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
}

/** The parts. */
export interface RelayAssembly {
  readonly attempts: Attempts;
  readonly backlog: Backlog;
  readonly breaker: Breaker;
  readonly conversations: Conversations;
  readonly effects: RelayEffects;
  readonly journal: Journal;
  readonly messages: AgentMessages;
  readonly outcomeReader: OutcomeReader;
  readonly peers: Peers;
  readonly providerLimits: ProviderLimits;
  readonly questions: Questions;
  readonly releases: Releases;
  readonly resumption: Resumption;
  readonly scheduler: Scheduler;
  readonly watch: Watch;
}

const log = getLogger(["ourocodus", "relay"]);

/** Makes the parts, each of which knows only those that it needs. */
export function assemble(
  owner: AssemblyOwner,
  parts: RelayParts,
  limits: RelayLimits,
): RelayAssembly {
  const { connection, writer, queue } = parts;
  const { relayId, metrics, turn } = owner;
  // In a cluster without a leader all roles, and all work, have the same trouble again and again.
  const pulls = new LogThrottle();
  const stores = new LogThrottle();
  const onProblem = (reason: string) => {
    const more = stores.pass();
    if (more) log.warn("an outcome cannot be stored yet", { reason, ...more });
  };
  const attempts = new Attempts();
  const backlog = new Backlog(writer, limits.maxHeldBytes);
  const journal = new Journal({
    writer,
    relayId,
    // The rest is for results: no flood of events may take their room.
    maxHeldBytes: limits.maxHeldBytes / 2,
    onPending: () => turn.something(),
  });
  const reader = new OutcomeReader({ connection, onProblem });
  const outcomes = new Outcomes({ ...parts, reader, metrics, onProblem });
  const releases = new Releases({ connection, queue, writer });
  const peers = new Peers({ relayId, connection, attempts, releases, reader });
  const answers = new Answers({ attempts, outcomes, reader, peers, backlog, journal, metrics });
  const scheduler = new Scheduler({
    queue,
    turn,
    onWork: (role, delivery) => deliver(role, delivery),
    onProblem: ({ id: { session, role } }, reason) => {
      const more = pulls.pass();
      if (more) log.warn("work cannot be pulled yet", { session, role, reason, ...more });
      parts.onProblem?.();
    },
  });
  const watch = new Watch(journal, () => turn.something());
  const conversations = new Conversations({ reader, journal, onTurn: () => turn.something() });
  const effects = new RelayEffects({
    ...{ ...parts, ...owner, limits, attempts, scheduler, releases, peers },
    ...{ outcomes, answers, reader, backlog, conversations, journal, watch },
  });
  const deliver = (role: Role, { lease: delivered, text }: Delivery) => {
    const lease = releases.counted(delivered);
    const known = attempts.find(lease);
    if (known !== undefined) return known.redelivered(lease);
    const attempt = new Attempt(lease, role.id, effects);
    attempts.add(attempt);
    attempt.delivered(role, text, peers.recordOf(lease, role));
  };
  const resumption = new Resumption({ attempts, effects, peers });
  const suspended = (agent: AgentConnection, pause: AgentPause) => {
    const item = { ...agentItem(agent), ...pausedItem(pause) };
    log.warn("an agent takes no work", item);
    journal.event(agent.session, "agent.suspended", item);
    scheduler.slotsChanged(agent);
  };
  const resumed = (agent: AgentConnection) => {
    journal.event(agent.session, "agent.resumed", agentItem(agent));
    scheduler.slotsChanged(agent);
  };
  const breaker = new Breaker({
    suspendAfter: limits.suspendAfter,
    onSuspended: suspended,
    onResumed: resumed,
    onProbe: (agent) => scheduler.slotsChanged(agent),
  });
  const providerLimits = new ProviderLimits({
    ...{ relayId, connection, agents: owner.agents },
    onPaused: suspended,
    onResumed: resumed,
  });
  const questions = new Questions({
    ...{ connection, writer, reader, journal },
    onAnswer: () => turn.something(),
  });
  const messages = new AgentMessages({
    questions,
    ...{ answers, breaker, limits: providerLimits, resumption, scheduler, journal, backlog },
    suspendAfter: limits.suspendAfter,
    maxFrameBytes: limits.maxFrameBytes,
    maxMessageBytes: owner.maxMessageBytes,
  });
  return {
    ...{
      attempts,
      backlog,
      breaker,
      conversations,
      effects,
      journal,
      messages,
      outcomeReader: reader,
    },
    ...{ peers, providerLimits, questions, releases, resumption, scheduler, watch },
  };
}
