/**
 * What is known of a work item, in the form in which it is shown as JSON: by the API, and by
 * `ourocodus trace --json`.
 *
 * @module
 */

/**
 * Where a work item is.
 *
 * - `waiting`: in the queue, and no relay says that an agent has it.
 * - `in_hand`: an agent has it, and its relay says so.
 * - `done`: it has a result.
 * - `failed`: it has an error result, from its agent or because its result could not be stored.
 * - `dead`: its attempts are used up, or no agent can read it.
 * - `cancelled`: it was cancelled before it had a result.
 * - `gone`: it is not in the queue, and the log has no outcome (any more).
 */
export type WorkState = "waiting" | "in_hand" | WorkOutcome | "gone";

/** What became of work that has a result or an error result. */
export type WorkOutcome = "done" | "failed" | "dead" | "cancelled";

/** A message of the log: the message's own fields, whichever it has, and ours, which win. */
export interface LogItem {
  /** The message's; null where the text is no message, which stands in `text` then. */
  readonly id: string | null;
  readonly type: string | null;
  readonly payload: Readonly<Record<string, unknown>> | null;
  /** The text of what is no message; at most 64 KiB of it. */
  readonly text?: string;
  /** Its sequence in the log. */
  readonly sequence: number;
  /** When it was stored, ISO 8601. */
  readonly time: string;
  readonly kind: "event" | "work" | "result" | "dead";
  readonly session_id: string;
  /** Events have none. */
  readonly role?: string;
  /** Of work, results and dead letters: the work's sequence in the work stream. */
  readonly work_sequence?: number;
  /** Of results: what became of the work. */
  readonly outcome?: WorkOutcome;
  readonly [field: string]: unknown;
}

/** Something that happened to a work item, as it is recorded. */
export interface TraceStep {
  /** Its sequence in the log; null where only the work stream tells it. */
  readonly sequence: number | null;
  /** When it was recorded, ISO 8601. */
  readonly time: string;
  /**
   * `work.stored`, one of the work events, an agent's report such as `progress`, `result`, `error`, or
   * `dead_letter`. The end of work is one step, however often it is recorded: `dead_letter` stands
   * there only if no outcome is kept.
   */
  readonly type: string;
  readonly attempt?: number;
  readonly agent_id?: string;
  readonly relay_id?: string;
  /** Machine-readable, of released, dead and cancelled work. */
  readonly reason?: string;
  /** For people; of questions the question, or the answer; of waiting work what it waits for. */
  readonly error?: string;
  /** Of released work: whether the attempt is charged to it. */
  readonly charged?: boolean;
  /** Of released work: when it may be handed out again, ISO 8601. */
  readonly not_before?: string;
  /** Of reports. */
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** Why and when work died. */
export interface DeadLetterSummary {
  /** Its sequence in the log. */
  readonly sequence: number;
  readonly time: string;
  readonly reason: string;
  readonly error: string;
  readonly attempts: number;
  /** How many bytes the work has, if the dead letter has not all of it. */
  readonly cut_from_bytes: number | null;
  /** The work's sequence as which it was sent again, the newest; null if it was not. */
  readonly requeued_as: number | null;
}

/** All that is known of one work item. */
export interface WorkTrace {
  /** Its identity: its sequence in the stream `OUROCODUS_WORK`. */
  readonly work_sequence: number;
  readonly session_id: string;
  readonly role: string;
  /** Its message's id; null if it is no message. */
  readonly id: string | null;
  readonly state: WorkState;
  /** What else there is to say about the state, for people; null if nothing. */
  readonly note: string | null;
  /** ISO 8601; null if nothing recorded tells. */
  readonly stored_at: string | null;
  /** How often it was handed to an agent, as far as is recorded. */
  readonly attempts: number;
  /** How many of these are charged to it: it dies of `MAX_DELIVER`. */
  readonly charged: number;
  /** Before this it is not handed out, ISO 8601; null if it may be now. */
  readonly not_before: string | null;
  /** Who has it (`in_hand`), or had it last. */
  readonly agent_id: string | null;
  /** The conversation that it names; null if it names none. */
  readonly conversation: string | null;
  /** The work itself, from the queue, the log or its dead letter; null if none has it any more. */
  readonly message: Readonly<Record<string, unknown>> | null;
  /** Its text, where that is no message; at most 64 KiB of it. */
  readonly text: string | null;
  /** The result or error result; null as long as there is none. */
  readonly result: LogItem | null;
  readonly dead_letter: DeadLetterSummary | null;
  /** The dead letter's sequence in the log that was sent again as this work; null if none was. */
  readonly requeued_from: number | null;
  /** The sequence of the work that it sends again; null if it is no retry. */
  readonly retry_of: number | null;
  /** The newest sequence as which it was sent again; null if it was not. */
  readonly retried_as: number | null;
  /** What is recorded, oldest first; of reports at most the newest 1000. */
  readonly history: TraceStep[];
}

/** A dead letter. */
export interface DeadLetter extends DeadLetterSummary {
  readonly session_id: string;
  readonly role: string;
  readonly work_sequence: number;
  /** The work's message; null if it is none, which stands in `text` then. */
  readonly id: string | null;
  readonly type: string | null;
  readonly payload: Readonly<Record<string, unknown>> | null;
  readonly text: string | null;
}

/** Work that has no outcome yet: its message's own fields, whichever it has, and ours, which win. */
export interface PendingWork {
  /** Its sequence in the stream `OUROCODUS_WORK`. */
  readonly work_sequence: number;
  readonly session_id: string;
  readonly role: string;
  /** Its message's; null if it is no message. */
  readonly id: string | null;
  readonly type: string | null;
  readonly payload: Readonly<Record<string, unknown>> | null;
  /** When it was stored, ISO 8601. */
  readonly stored_at: string;
  readonly state: "waiting" | "in_hand";
  /** Of running work. */
  readonly attempt: number | null;
  readonly agent_id: string | null;
  /** Since when the agent has it, ISO 8601. */
  readonly since: string | null;
  /** Since when the agent has said nothing about it, ISO 8601; null unless that is for long. */
  readonly silent_since: string | null;
  readonly [field: string]: unknown;
}

/** How a role, or a whole session, is. */
export interface WorkCounts {
  /** Connected agents. */
  readonly agents: number;
  /** Work items in the queue that no agent has. */
  readonly waiting: number;
  /** Work items that relays have: in agents' hands, or about to be. */
  readonly in_hand: number;
  /** Of the outcomes that the log still has: results, … */
  readonly done: number;
  /** … errors, … */
  readonly failed: number;
  /** … dead work, … */
  readonly dead: number;
  /** … and work that was cancelled. */
  readonly cancelled: number;
}

/** How a session is. */
export interface SessionSummary extends WorkCounts {
  readonly session_id: string;
  /** When its newest message was stored, ISO 8601; null if the log has none any more. */
  readonly last_activity: string | null;
  /** By role, sorted by name. */
  readonly roles: ({ readonly role: string } & WorkCounts)[];
}
