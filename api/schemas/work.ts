/**
 * Messages, work and its outcomes, as the API shows them.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import {
  type DeadLetter,
  type LogItem,
  MAX_REASON_CHARACTERS,
  type PendingWork,
  type SessionSummary,
  type WorkTrace,
} from "@ourocodus/ops";
import type { CancelledHolder } from "@ourocodus/protocol";
import { MessageIdSchema, nameSchema } from "./names.ts";

const time = z.string().openapi({ format: "date-time" });
const payload = z.record(z.string(), z.unknown());

/** A message of the log: its own fields, and ours. */
export const LogItemSchema = z.object({
  id: z.string().nullable(),
  type: z.string().nullable(),
  payload: payload.nullable(),
  text: z.string().optional(),
  sequence: z.int(),
  time,
  kind: z.enum(["event", "work", "result", "dead"]),
  session_id: z.string(),
  role: z.string().optional(),
  work_sequence: z.int().optional(),
  outcome: z.enum(["done", "failed", "dead", "cancelled"]).optional().openapi({
    description: "Of results: what became of the work",
  }),
}).catchall(z.unknown()).openapi("LogItem") satisfies z.ZodType<LogItem>;

/** The answer of `GET /api/sessions/{session}/results`. */
export const ResultListSchema = z.object({
  results: z.array(LogItemSchema).openapi({ description: "Newest first" }),
  next_before: z.int().nullable().openapi({
    description: "Where the next page begins; null if there is none",
  }),
}).openapi("ResultList");

const dead = {
  sequence: z.int(),
  time,
  reason: z.string(),
  error: z.string(),
  attempts: z.int(),
  cut_from_bytes: z.int().nullable(),
  requeued_as: z.int().nullable().openapi({
    description: "The newest sequence as which its work was sent again",
  }),
};

/** A dead letter. */
export const DeadLetterSchema = z.object({
  ...dead,
  session_id: z.string(),
  role: z.string(),
  work_sequence: z.int(),
  id: z.string().nullable(),
  type: z.string().nullable(),
  payload: payload.nullable(),
  text: z.string().nullable(),
}).openapi("DeadLetter") satisfies z.ZodType<DeadLetter>;

/** The answer of `GET /api/sessions/{session}/dead`. */
export const DeadLetterListSchema = z.object({
  dead: z.array(DeadLetterSchema).openapi({ description: "Newest first" }),
  next_before: z.int().nullable(),
}).openapi("DeadLetterList");

/** Something that happened to a work item. */
export const TraceStepSchema = z.object({
  sequence: z.int().nullable(),
  time,
  type: z.string(),
  attempt: z.int().optional(),
  agent_id: z.string().optional(),
  relay_id: z.string().optional(),
  reason: z.string().optional(),
  error: z.string().optional(),
  charged: z.boolean().optional().openapi({
    description: "Of released work: whether the attempt is charged to it",
  }),
  not_before: time.optional(),
  payload: payload.optional(),
}).openapi("TraceStep");

const named = {
  work_sequence: z.int(),
  session_id: z.string(),
  role: z.string(),
  id: z.string().nullable(),
  state: z.enum(["waiting", "in_hand", "done", "failed", "dead", "cancelled", "gone"]),
};

const trace = { ...named, stored_at: time.nullable() };

/** Where a work item is. */
export const WorkTraceSchema = z.object({
  ...trace,
  note: z.string().nullable(),
  attempts: z.int(),
  charged: z.int().openapi({
    description: "How many of the attempts are charged to it; it dies of `MAX_DELIVER`",
  }),
  not_before: time.nullable().openapi({ description: "Before this it is not handed out" }),
  agent_id: z.string().nullable(),
  conversation: z.string().nullable().openapi({ description: "The conversation that it names" }),
  message: payload.nullable(),
  text: z.string().nullable(),
  result: LogItemSchema.nullable(),
  dead_letter: z.object(dead).nullable(),
  requeued_from: z.int().nullable().openapi({
    description: "The sequence of the dead letter it sends again",
  }),
  retry_of: z.int().nullable().openapi({ description: "The sequence of the work it sends again" }),
  retried_as: z.int().nullable().openapi({
    description: "The newest sequence as which it was sent again",
  }),
  history: z.array(TraceStepSchema),
}).openapi("WorkTrace") satisfies z.ZodType<WorkTrace>;

/** The answer of `GET /api/work/{id}`: the newest work item with this id, and the others. */
export const WorkAnswerSchema = WorkTraceSchema.extend({
  same_id: z.array(z.object(trace)).openapi({
    description: "Older work items with the same id; ids may be used again",
  }),
}).openapi("WorkAnswer");

/** The answer of `GET /api/sessions/{session}/work`. */
export const PendingWorkListSchema = z.object({
  work: z.array(
    z.object({
      work_sequence: z.int(),
      session_id: z.string(),
      role: z.string(),
      id: z.string().nullable(),
      type: z.string().nullable(),
      payload: payload.nullable(),
      stored_at: time,
      state: z.enum(["waiting", "in_hand"]),
      attempt: z.int().nullable(),
      agent_id: z.string().nullable(),
      since: time.nullable(),
      silent_since: time.nullable().openapi({
        description: "Since when its agent has said nothing about it; null unless that is for long",
      }),
    }).catchall(z.unknown()).openapi("PendingWork") satisfies z.ZodType<PendingWork>,
  ).openapi({ description: "Oldest first" }),
  next: z.int().nullable().openapi({
    description: "`after` of the next page; null if there is none",
  }),
}).openapi("PendingWorkList");

/** Why work is cancelled. */
export const CancelReasonSchema: z.ZodType<string | undefined> = z.string().superRefine(
  ({ length }, context) => {
    if (length <= MAX_REASON_CHARACTERS) return;
    const message = `reason has ${length} characters, at most ${MAX_REASON_CHARACTERS} are allowed`;
    context.addIssue({ code: "custom", message });
  },
).optional().openapi({
  type: "string",
  maxLength: MAX_REASON_CHARACTERS,
  description: "Why, for people; it is the message of the error",
});

/** The answer to a request for more time. */
export const ExtendedWorkSchema = z.object({
  id: z.string().nullable(),
  work_sequence: z.int(),
  session_id: z.string(),
  role: z.string(),
  relay_id: z.string(),
  agent_id: z.string(),
  attempt: z.int(),
  deadline: time.optional().openapi({ description: "When it has to be done now, if it has to" }),
}).openapi("ExtendedWork");

/** The answer to a cancellation. */
export const CancelledWorkSchema = z.object({
  id: z.string().nullable(),
  work_sequence: z.int(),
  session_id: z.string(),
  role: z.string(),
  state: z.literal("cancelled"),
  was: z.enum(["waiting", "in_hand"]).openapi({
    description: "Whether it waited or ran",
  }),
  holder: z.object({
    relay_id: z.string(),
    agent_id: z.string(),
    attempt: z.int(),
    told: z.boolean().openapi({
      description:
        "Whether the agent was told to stop; one that speaks the plain protocol cannot " +
        "be told. A result of it is refused in any case",
    }),
    away: z.boolean().openapi({ description: "Whether it has lost its socket, and may come back" }),
  }).nullable().openapi({
    description: "The agent that ran it; null if no relay says so",
  }) satisfies z.ZodType<
    CancelledHolder | null
  >,
}).openapi("CancelledWork");

/** The body of `POST /api/sessions/{session}/work/{role}`. */
export const NewWorkSchema = z.object({
  id: MessageIdSchema.optional().openapi({ description: "A new one by default" }),
  type: z.string().min(1).max(64).optional().openapi({
    description: "`work` by default; none that begins with `relay.` or `agent.`",
  }),
  payload: payload.optional(),
  message: z.string().optional().openapi({ description: "Short for a payload of `{message}`" }),
  conversation: nameSchema("conversation").optional().openapi({
    description:
      "Work of one conversation goes in order, one at a time, to the agent that has it. " +
      "To go on where work without one has ended, or will end: `work-` and its sequence",
    example: "login-page",
  }),
}).catchall(z.unknown()).openapi("NewWork");

/** The answer to it. */
export const SentWorkSchema = z.object({
  id: z.string(),
  sequence: z.int().openapi({ description: "Its identity: its sequence in the work stream" }),
  session_id: z.string(),
  role: z.string(),
  duplicate: z.boolean().openapi({
    description: "Whether it was stored before; nothing new is stored then",
  }),
  result: LogItemSchema.nullable().openapi({
    description: "The result, if one came while waiting for it",
  }),
}).openapi("SentWork");

/** The answer to a retry. */
export const RetriedWorkSchema = SentWorkSchema.extend({
  retry_of: z.int().openapi({ description: "The sequence of the work that is sent again" }),
  was: named.state.openapi({ description: "The state of that work" }),
}).openapi("RetriedWork");

const retried = { ...named, retried_as: z.int().nullable() };

/** The answer of `POST /api/work/retry`. */
export const RetriedListSchema = z.object({
  retried: z.array(z.object(retried)).openapi({
    description: "Oldest first; `retried_as` is the new work's sequence, null with `dry_run`",
  }),
  refused: z.array(z.object({ ...retried, reason: z.string() })),
  more: z.boolean().openapi({ description: "Whether there is more than the limit" }),
}).openapi("RetriedList");

const counts = {
  agents: z.int(),
  waiting: z.int(),
  in_hand: z.int(),
  done: z.int(),
  failed: z.int(),
  dead: z.int(),
  cancelled: z.int(),
};

/** How a session is. */
export const SessionSchema = z.object({
  session_id: z.string(),
  ...counts,
  last_activity: time.nullable(),
  roles: z.array(z.object({ role: z.string(), ...counts })),
}).openapi("Session") satisfies z.ZodType<SessionSummary>;

/** The answer of `GET /api/sessions`. */
export const SessionListSchema = z.object({
  sessions: z.array(SessionSchema),
  next: z.string().nullable().openapi({
    description: "`after` of the next page; null if there is none",
  }),
}).openapi("SessionList");
