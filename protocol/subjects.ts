/**
 * The NATS subjects of Ourocodus, and the streams that hold them. No other file builds or takes
 * apart a subject.
 *
 * | subject | what it holds |
 * |---|---|
 * | `sessions.{session}.work.{role}` | work, published by clients |
 * | `sessions.{session}.outcomes.{role}.{sequence}-{time}` | the outcome of one work item: a result or a final error |
 * | `sessions.{session}.attempts.{role}.{sequence}-{time}` | what ended attempts at one work item have left, see attempt_record.ts |
 * | `sessions.{session}.questions.{role}.{id}` | a question of an agent about a work item, see questions.ts |
 * | `sessions.{session}.answers.{role}.{id}` | its one answer |
 * | `sessions.{session}.results.{role}` | the same outcomes, published by the server as it stores them |
 * | `sessions.{session}.events` | what happened, published by relays |
 * | `sessions.{session}.dead.{role}` | dead work, verbatim        |
 * | `settings.rules.{session}.{role}.{id}` | a rule that answers questions, see question_rules.ts |
 * | `sessions.{session}.stored.{role}` | a copy of each work item, made by the server as it stores it |
 *
 * A session and a role are one token each, so that no name can widen a subject (a role of `>`
 * would otherwise read everybody's work).
 *
 * @module
 */
import { InvalidNameError } from "./errors.ts";
import { describe } from "./message.ts";

/** The most characters that a session, a role or an agent's id may have. */
export const MAX_NAME_CHARACTERS = 64;

/** The name of the work queue's stream. */
export const WORK_STREAM = "OUROCODUS_WORK";

/** The name of the stream with results, events, dead letters and copies of work. */
export const LOG_STREAM = "OUROCODUS_LOG";

/** The name of the stream with what people have set for all programs, such as budgets. */
export const SETTINGS_STREAM = "OUROCODUS_SETTINGS";

/** What the stream `OUROCODUS_SETTINGS` listens to; of each subject it keeps the newest message. */
export const SETTINGS_SUBJECTS = "settings.>";

/** What the stream `OUROCODUS_WORK` listens to. */
export const WORK_SUBJECTS = "sessions.*.work.*";

/** Results of every session and role, as subscribers hear them. */
export const ALL_RESULTS = "sessions.*.results.*";

/** Outcomes of every session and role, as the log holds them. */
export const ALL_OUTCOMES = "sessions.*.outcomes.*.*";

/** The log's copies of all work. */
export const ALL_COPIES = "sessions.*.stored.*";

/** Records of the attempts at all work. */
export const ALL_ATTEMPTS = "sessions.*.attempts.*.*";

/** Questions of every session and role. */
export const ALL_QUESTIONS = "sessions.*.questions.*.*";

/** Their answers. */
export const ALL_ANSWERS = "sessions.*.answers.*.*";

/** What the log of a version before may not listen to. */
export const NEWER_LOG_SUBJECTS: readonly string[] = [ALL_ATTEMPTS, ALL_QUESTIONS, ALL_ANSWERS];

/** What the stream `OUROCODUS_LOG` listens to. */
export const LOG_SUBJECTS: readonly string[] = [
  ALL_OUTCOMES,
  ...NEWER_LOG_SUBJECTS,
  "sessions.*.events",
  "sessions.*.dead.*",
  "sessions.*.stored.*",
];

/** What the log listens to and holds, whichever session and kind it is of. */
export const ALL_LOG_SUBJECTS = "sessions.>";

/** Where the server publishes a copy of each work item that it stores: into the log. */
export const WORK_COPIES = {
  src: WORK_SUBJECTS,
  dest: "sessions.{{wildcard(1)}}.stored.{{wildcard(2)}}",
} as const;

/** Where the server publishes each outcome that the log stores: to subscribers. */
export const OUTCOME_COPIES = {
  src: ALL_OUTCOMES,
  dest: "sessions.{{wildcard(1)}}.results.{{wildcard(2)}}",
} as const;

/** The subject on which every relay answers with its agents. */
export const RELAYS_AGENTS_SUBJECT = "relays.agents";

/** The subject on which relays are told to stop an agent. */
export const RELAYS_AGENTS_STOP_SUBJECT = "relays.agents.stop";

/** The subject on which relays tell each other of leases. */
export const RELAYS_LEASES_SUBJECT = "relays.leases";

/** The subject on which relays tell each other of providers' limits. */
export const RELAYS_LIMITS_SUBJECT = "relays.limits";

/** The subject on which relays are told that a question is answered. */
export const RELAYS_QUESTIONS_SUBJECT = "relays.questions";

/** The subject on which relays are told that work was cancelled. */
export const RELAYS_WORK_CANCEL_SUBJECT = "relays.work.cancel";

/** The subject on which relays are asked to give work more time. */
export const RELAYS_WORK_EXTEND_SUBJECT = "relays.work.extend";

/** A subject of ours, taken apart. */
export type ParsedSubject =
  | {
    readonly kind: "work" | "results" | "dead" | "stored";
    readonly session: string;
    readonly role: string;
    /** Of an outcome: the identity of its work item, see `Lease.work`. */
    readonly work?: string;
  }
  | { readonly kind: "events"; readonly session: string };

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const OUTCOME = /^(\d{1,16})-(\d{1,19})$/;

/**
 * Says what is wrong with a session, a role or an agent's id, if anything.
 *
 * @param name Any value; `null` and `undefined` count as missing.
 * @returns `undefined` when it is 1 to 64 of `A-Z a-z 0-9 _ -`, else the reason.
 */
export function invalidName(name: unknown): string | undefined {
  if (typeof name === "string" && NAME.test(name)) return undefined;
  if (name === undefined || name === null) return "is missing";
  if (typeof name !== "string") return `must be a string, got ${describe(name)}`;
  if (name === "") return "is empty";
  if (name.length > MAX_NAME_CHARACTERS) {
    return `is ${name.length} characters, limit is ${MAX_NAME_CHARACTERS}`;
  }
  return `is ${JSON.stringify(name)}, allowed are A-Z a-z 0-9 _ -`;
}

/** `sessions.{session}.work.{role}`. @throws {InvalidNameError} */
export function workSubject(session: string, role: string): string {
  return `sessions.${checked("session", session)}.work.${checked("role", role)}`;
}

/**
 * `sessions.{session}.work.{role}` for reading, or of every role of the session.
 *
 * @param role A role, or `"*"` for all.
 * @throws {InvalidNameError}
 */
export function workSubjects(session: string, role: string): string {
  return `sessions.${checked("session", session)}.work.${checkedOrAll("role", role)}`;
}

/**
 * `sessions.{session}.outcomes.{role}.{sequence}-{time}`: where the outcome of a work item is stored.
 *
 * @param work The work item's identity, `{sequence}.{time}`.
 * @throws {InvalidNameError}
 */
export function outcomeSubject(session: string, role: string, work: string): string {
  const owner = `${checked("session", session)}.outcomes.${checked("role", role)}`;
  return `sessions.${owner}.${outcomeToken(work)}`;
}

/**
 * `sessions.{session}.attempts.{role}.{sequence}-{time}`: where the record of a work item's attempts is
 * stored, see attempt_record.ts.
 *
 * @param work The work item's identity, `{sequence}.{time}`.
 * @throws {InvalidNameError}
 */
export function attemptsSubject(session: string, role: string, work: string): string {
  return `${attemptsOf(session, role)}.${outcomeToken(work)}`;
}

/** The records of all work of a role. @throws {InvalidNameError} */
export function attemptsSubjects(session: string, role: string): string {
  return `${attemptsOf(session, role)}.*`;
}

/** `sessions.{session}.questions.{role}.{id}`. @throws {InvalidNameError} */
export function questionsSubject(session: string, role: string, id: string): string {
  return `sessions.${checked("session", session)}.questions.${checked("role", role)}.${id}`;
}

/** All questions, of one session if asked. @throws {InvalidNameError} */
export function questionSubjects(session = "*"): string {
  return `sessions.${checkedOrAll("session", session)}.questions.*.*`;
}

/** All answers, of one session if asked. @throws {InvalidNameError} */
export function answerSubjects(session = "*"): string {
  return `sessions.${checkedOrAll("session", session)}.answers.*.*`;
}

/** `sessions.{session}.answers.{role}.{id}`. @throws {InvalidNameError} */
export function answersSubject(session: string, role: string, id: string): string {
  return `sessions.${checked("session", session)}.answers.${checked("role", role)}.${id}`;
}

/** `settings.rules.{session}.{role}.{id}`. @throws {InvalidNameError} */
export function ruleSubject(session: string, role: string, id: string): string {
  return `settings.rules.${checked("session", session)}.${checked("role", role)}.${id}`;
}

/** All rules, of one session or role if asked. @throws {InvalidNameError} */
export function ruleSubjects(session = "*", role = "*"): string {
  return `settings.rules.${checkedOrAll("session", session)}.${checkedOrAll("role", role)}.*`;
}

/**
 * All outcomes of a role, or of every role of the session, for reading the log: those of today, and
 * those that versions before stored as they were published.
 *
 * @param role A role, or `"*"` for all.
 * @throws {InvalidNameError}
 */
export function outcomeSubjects(session: string, role: string): readonly string[] {
  const owner = `${checked("session", session)}.outcomes.${checkedOrAll("role", role)}`;
  return [`sessions.${owner}.*`, resultsSubject(session, role)];
}

/**
 * `sessions.{session}.results.{role}`, or of every role of the session: where subscribers hear
 * outcomes.
 *
 * @param role A role, or `"*"` for all.
 * @throws {InvalidNameError}
 */
export function resultsSubject(session: string, role: string): string {
  return `sessions.${checked("session", session)}.results.${checkedOrAll("role", role)}`;
}

/**
 * `sessions.{session}.events`, or of every session.
 *
 * @param session A session, or `"*"` for all.
 * @throws {InvalidNameError}
 */
export function eventsSubject(session: string): string {
  return `sessions.${checkedOrAll("session", session)}.events`;
}

/**
 * `sessions.{session}.dead.{role}`, or of every role of the session.
 *
 * @param role A role, or `"*"` for all.
 * @throws {InvalidNameError}
 */
export function deadSubject(session: string, role: string): string {
  return `sessions.${checked("session", session)}.dead.${checkedOrAll("role", role)}`;
}

/**
 * `sessions.{session}.stored.{role}`, or of every role of the session.
 *
 * @param role A role, or `"*"` for all.
 * @throws {InvalidNameError}
 */
export function storedSubject(session: string, role: string): string {
  return `sessions.${checked("session", session)}.stored.${checkedOrAll("role", role)}`;
}

/**
 * All that the log has of one session.
 *
 * @throws {InvalidNameError}
 */
export function sessionSubjects(session: string): string {
  return `sessions.${checked("session", session)}.>`;
}

/**
 * Takes a subject apart.
 *
 * @returns Its parts, or `undefined` if it is none of ours or has a malformed name in it.
 *
 * @example
 * ```ts
 * import { parseSubject } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseSubject("sessions.docs.work.writer"), {
 *   kind: "work",
 *   session: "docs",
 *   role: "writer",
 * });
 * assert.equal(parseSubject("sessions.docs.work.>"), undefined);
 * ```
 */
export function parseSubject(subject: string): ParsedSubject | undefined {
  const [root, session, kind, role, ...rest] = subject.split(".");
  if (root !== "sessions" || session === undefined || !NAME.test(session)) return undefined;
  if (kind === "outcomes") return parseOutcome({ session, role }, rest);
  if (rest.length > 0) return undefined;
  if (kind === "events") return role === undefined ? { kind, session } : undefined;
  if (kind !== "work" && kind !== "results" && kind !== "dead" && kind !== "stored") {
    return undefined;
  }
  return role !== undefined && NAME.test(role) ? { kind, session, role } : undefined;
}

function parseOutcome(
  { session, role = "" }: { readonly session: string; readonly role: string | undefined },
  [token = "", ...rest]: readonly string[],
): ParsedSubject | undefined {
  const [, sequence, time] = OUTCOME.exec(token) ?? [];
  if (sequence === undefined || rest.length > 0 || !NAME.test(role)) return undefined;
  return { kind: "results", session, role, work: `${sequence}.${time}` };
}

/**
 * Where the outcome of work goes that was published under names that no agent can have, such as
 * `sessions.größe.work.r`: the streams listen to wildcards, so it is stored anyway.
 *
 * @param work The work item's identity.
 * @returns `undefined` unless the subject is a work subject with a malformed session or role.
 */
export function strayWorkSubjects(
  subject: string,
  work: string,
): { readonly outcome: string; readonly dead: string } | undefined {
  const [root, session, kind, role, ...rest] = subject.split(".");
  if (root !== "sessions" || kind !== "work" || rest.length > 0 || !session || !role) {
    return undefined;
  }
  if (NAME.test(session) && NAME.test(role)) return undefined;
  const [of, by] = [literal(session), literal(role)];
  const outcome = `sessions.${of}.outcomes.${by}.${outcomeToken(work)}`;
  return { outcome, dead: `sessions.${of}.dead.${by}` };
}

function attemptsOf(session: string, role: string): string {
  return `sessions.${checked("session", session)}.attempts.${checked("role", role)}`;
}

function outcomeToken(work: string): string {
  return work.replace(".", "-");
}

/** NATS stores what is published to `*` or `>` literally, but takes them for patterns elsewhere. */
function literal(token: string): string {
  return token === "*" ? "%2A" : token === ">" ? "%3E" : token;
}

function checked(what: string, name: string): string {
  const wrong = invalidName(name);
  if (wrong !== undefined) throw new InvalidNameError(what, wrong);
  return name;
}

function checkedOrAll(what: string, name: string): string {
  return name === "*" ? name : checked(what, name);
}
