/**
 * Deciding where a work item is, from what was found; it never claims more.
 *
 * @module
 */
import type { LogRecord, StoredMessage } from "@ourocodus/bus";
import {
  conversationBegunBy,
  conversationOf,
  HAND_OUT_EVENTS,
  isHandedOut,
  LOG_HEADER,
  type Message,
  parseMessage,
  workPlace,
} from "@ourocodus/protocol";
import { deadLetterSummary } from "./dead_letter_record.ts";
import { logItem, outcomeOf } from "./log_item.ts";
import type { DirectoryAgent, RelayDirectory } from "./relay_directory.ts";
import type { Retries } from "./retries.ts";
import type { TracedWork } from "./trace_records.ts";
import type { TraceStep, WorkState, WorkTrace } from "./work_trace_types.ts";

/** What was found apart from the records. */
export interface Findings {
  /** The work in the queue, if it is there. */
  readonly queued: StoredMessage | undefined;
  /** The connected agents of its session and role, with their work, as relays have answered. */
  readonly directory: Pick<RelayDirectory, "agents" | "complete" | "nobody">;
  /** Which work was sent again. */
  readonly retries: Retries;
}

/** Of what is no message, as much is shown, in characters. */
const MAX_TEXT_CHARACTERS = 65_536;

/** Whether work in this state has no outcome yet, and may still get one. */
export function isUnfinished(state: WorkState): state is "waiting" | "in_hand" {
  return state === "waiting" || state === "in_hand";
}

/** The conversation in which later work goes on where a work item ends. */
export function conversationAfter(
  { conversation, work_sequence }: Pick<WorkTrace, "conversation" | "work_sequence">,
): string {
  return conversation ?? conversationBegunBy(work_sequence);
}

/** Puts it together. */
export function workTrace(work: TracedWork, findings: Findings): WorkTrace {
  const { outcome, deadLetter, copy } = work;
  const last = lastHanded(work.steps);
  const holder = outcome === undefined && findings.queued ? holderOf(work, findings) : undefined;
  const state = stateOf(work, findings, holder);
  const { message, text } = messageOf(work, findings);
  return {
    work_sequence: work.sequence,
    session_id: work.session,
    role: work.role,
    id: work.id ?? null,
    state,
    note: holder === undefined ? noteOf(work, state, findings) : silentNote(holder),
    stored_at: work.storedAt?.toISOString() ?? null,
    attempts: Math.max(0, holder?.attempt ?? 0, ...work.steps.map(({ attempt }) => attempt ?? 0)),
    charged: work.steps.filter(({ charged }) => charged).length,
    not_before: state === "waiting" ? putOff(work)?.not_before ?? null : null,
    agent_id: holder?.agent_id ?? last?.agent_id ?? null,
    conversation: (message && conversationOf(message)) ?? null,
    message,
    text,
    result: outcome === undefined ? null : logItem(outcome),
    dead_letter: deadLetter === undefined
      ? null
      : deadLetterSummary(deadLetter, findings.retries.of(deadLetter)),
    requeued_from: letterOf(copy?.header(LOG_HEADER.requeued)),
    retry_of: workPlace(copy?.header(LOG_HEADER.retryOf) ?? "")?.sequence ?? null,
    retried_as: findings.retries.of(copy ?? outcome, deadLetter) ?? null,
    history: historyOf(work),
  };
}

/** The dead letter's sequence that a copy of work names. */
function letterOf(text: string | undefined): number | null {
  const sequence = Number(text ?? NaN);
  return Number.isSafeInteger(sequence) ? sequence : null;
}

interface Holder {
  readonly agent_id: string;
  readonly attempt: number;
  readonly silent_since?: string;
}

function holderOf({ sequence }: TracedWork, { directory }: Findings): Holder | undefined {
  for (const { agent_id, work = [] } of directory.agents) {
    const held = work.find((item) => item.sequence === sequence);
    if (held !== undefined) return { ...held, agent_id };
  }
  return undefined;
}

function stateOf(
  { outcome, deadLetter }: TracedWork,
  { queued }: Findings,
  holder: Holder | undefined,
): WorkState {
  if (outcome !== undefined) return outcomeOf(outcome);
  if (deadLetter !== undefined) return "dead";
  if (queued === undefined) return "gone";
  return holder === undefined ? "waiting" : "in_hand";
}

function noteOf(work: TracedWork, state: WorkState, { directory }: Findings): string | null {
  switch (state) {
    case "gone":
      return "it is not in the queue any more, and the log has no outcome: either it was removed " +
        "by hand, or its outcome is no longer kept";
    case "waiting": {
      const released = putOff(work);
      if (released !== undefined) {
        const { not_before, reason, error } = released;
        return `it is not handed out before ${not_before}: ${error ?? reason}`;
      }
      const awaited = work.steps.findLast(({ type }) => type.startsWith("work."));
      if (awaited?.type === "work.waiting") return `it waits for ${awaited.error}`;
      const last = lastHolder(work.steps);
      return last === undefined ? nobodyNote(work, directory) : holderNote(last, directory);
    }
    default:
      return null;
  }
}

/** What is known of the agent that had it last, if no relay says that it has it. */
function holderNote(
  { agent_id }: TraceStep,
  { agents, complete }: Findings["directory"],
): string {
  const who = `agent ${agent_id}, which had it last,`;
  const again = "is handed out again at the latest when its lease has run out";
  if (agents.some((agent) => agent.agent_id === agent_id)) {
    return `${who} does not have it any more; it ${again}`;
  }
  return complete
    ? `${who} is not connected and may still be working on it: if it does not come back, the work ` +
      again
    : `no relay answers, so it is not known whether ${who} is still working on it`;
}

/** Why no agent is handed it, as far as is known. */
function nobodyNote(
  { session, role }: TracedWork,
  { agents, complete, nobody }: Findings["directory"],
): string | null {
  if (nobody) return "no relay is running: it waits for one";
  if (!complete) return "no relay answers: which agents are connected is not known";
  return agents.length === 0
    ? `no agent of role ${role} is connected to session ${session}`
    : pausedNote(agents);
}

function silentNote({ agent_id, silent_since }: Holder): string | null {
  return silent_since === undefined
    ? null
    : `agent ${agent_id} has said nothing about it since ${silent_since}`;
}

/** Why no agent takes work, if all take none for now. */
function pausedNote(agents: readonly DirectoryAgent[]): string | null {
  const [first, ...others] = agents.flatMap(({ agent_id, paused }) =>
    paused === undefined ? [] : `agent ${agent_id} until ${paused.until}: ${paused.message}`
  );
  if (first === undefined || others.length + 1 < agents.length) return null;
  const more = others.length === 0 ? "" : `; and ${others.length} more`;
  return `no agent takes work for now, ${first}${more}`;
}

/** Who was handed it and has not released it, as far as is recorded; `undefined` if nobody. */
export function lastHolder(steps: readonly TraceStep[]): TraceStep | undefined {
  return isHandedOut(steps.map(({ type }) => type)) ? lastHanded(steps) : undefined;
}

/** How it was released, if its time has not come. */
function putOff({ steps }: TracedWork): TraceStep | undefined {
  const last = steps.findLast(({ type }) => type.startsWith("work."));
  return Date.parse(last?.not_before ?? "") > Date.now() ? last : undefined;
}

function lastHanded(steps: readonly TraceStep[]): TraceStep | undefined {
  return steps.findLast(({ type }) => HAND_OUT_EVENTS.includes(type));
}

function messageOf(
  { copy, deadLetter }: TracedWork,
  { queued }: Findings,
): { readonly message: (Message & Record<string, unknown>) | null; readonly text: string | null } {
  const text = copy?.text ?? deadLetter?.text ??
    (queued === undefined ? undefined : new TextDecoder().decode(queued.data));
  if (text === undefined) return { message: null, text: null };
  const parsed = parseMessage(text);
  return parsed.kind === "ok"
    ? { message: { ...parsed.message }, text: null }
    : { message: null, text: text.slice(0, MAX_TEXT_CHARACTERS) };
}

function historyOf(work: TracedWork): TraceStep[] {
  const { storedAt, copy } = work;
  const end = endOf(work);
  const history = work.steps.filter(({ type }) => type !== end?.type || !ENDS.includes(type));
  if (end !== undefined) history.push(end);
  history.sort((one, other) => (one.sequence ?? 0) - (other.sequence ?? 0));
  if (storedAt !== undefined) {
    const sequence = copy?.sequence ?? null;
    history.unshift({ sequence, time: storedAt.toISOString(), type: "work.stored" });
  }
  return history;
}

/** Events that tell of an end, next to the outcome that makes it one. */
const ENDS = ["work.cancelled", "work.dead"];

/** Its end as one step, though outcome, event and dead letter each record it. */
function endOf({ steps, outcome, deadLetter }: TracedWork): TraceStep | undefined {
  const letter = deadLetter && letterStep(deadLetter);
  if (outcome === undefined) return letter;
  const step = outcomeStep(outcome);
  if (!ENDS.includes(step.type)) return step;
  const event = steps.findLast(({ type }) => type === step.type);
  // What a canceller gave as reason is the outcome's message.
  const { reason: _, ...told } = { ...letter, ...event };
  return { ...told, ...step };
}

function letterStep(deadLetter: LogRecord): TraceStep {
  const { sequence, time, reason, error, attempts } = deadLetterSummary(deadLetter, undefined);
  return { sequence, time, type: "dead_letter", attempt: attempts, reason, error };
}

function outcomeStep(outcome: LogRecord): TraceStep {
  const state = outcomeOf(outcome);
  const parsed = parseMessage(outcome.text);
  const { type, payload } = parsed.kind === "ok"
    ? parsed.message
    : { type: "result", payload: {} as Record<string, unknown> };
  const { code, message } = payload;
  const isSaid = state === "cancelled" && code === "cancelled";
  return {
    sequence: outcome.sequence,
    time: outcome.time.toISOString(),
    type: state === "dead" || state === "cancelled" ? `work.${state}` : type,
    ...(state !== "done" && typeof code === "string" && !isSaid && { reason: code }),
    ...(state !== "done" && typeof message === "string" && { error: message }),
  };
}
