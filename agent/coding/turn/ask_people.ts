/**
 * Asking people for what no rule allows.
 *
 * @module
 */
import type { Question, QuestionAnswer } from "../../questions.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { PermissionQuestion } from "./permission_question.ts";
import type { Verdict } from "./permission_policy.ts";
import type { Decide } from "./permissions.ts";

/** What people may answer. */
const ANSWERS = { once: "allow", work: "allow for this work", no: "deny" } as const;
/** Makes a rule, so the answer that comes is "allow"; from who answers without our programs, this. */
const FOR_SESSION = "allow for this session";
const MAX_SHOWN_CHARACTERS = 3_000;

/** How people are asked. */
export interface AskingOptions {
  /** The worktree, absolute. */
  readonly root: string;
  /** How long a question waits, in milliseconds: without an answer it is denied. */
  readonly timeoutMs: number;
}

/**
 * A decider that asks people about what another one denies, unless a rule denies it.
 *
 * @param ask See `WorkContext.ask`.
 */
export function askingPeople(
  decide: Decide,
  ask: (question: Question) => Promise<QuestionAnswer>,
  { root, timeoutMs }: AskingOptions,
): Decide {
  /** What somebody has allowed for all of this work. */
  const allowedForWork = new Map<string, string>();
  return async (question, signal) => {
    const verdict = await decide(question, signal);
    if (verdict.answer === "allow" || verdict.rule.startsWith("deny[")) return verdict;
    const text = textOf(question, verdict);
    const who = allowedForWork.get(text);
    if (who !== undefined) return allowed(`${who} has allowed it for this work`);
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    try {
      const fingerprint = fingerprintOf(question, root);
      const options = fingerprint === undefined
        ? Object.values(ANSWERS)
        : [ANSWERS.once, ANSWERS.work, FOR_SESSION, ANSWERS.no];
      const asked = ask({
        ...{ question: text, options, default: ANSWERS.no, timeoutMs },
        ...(fingerprint !== undefined && { fingerprint }),
      });
      const { answer, by = "nobody" } = await Promise.race([asked, aborted.promise]);
      if (answer === ANSWERS.work) allowedForWork.set(text, by);
      const allows = [ANSWERS.once, ANSWERS.work, FOR_SESSION].some((one) => one === answer);
      if (allows) return allowed(`${by} allows it`);
      const why = by === "nobody" ? "nobody has answered in time" : `${by} denies it`;
      return { answer: "deny", rule: "asked", why };
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  };
}

function allowed(why: string): Verdict {
  return { answer: "allow", rule: "asked", why };
}

/** The same for the same request, so that a further attempt gets the answer that was given. */
function textOf(
  { kind, title, command, paths, cwd }: PermissionQuestion,
  { why }: Verdict,
): string {
  const shown = typeof command === "string" ? command : command?.join(" ");
  const lines = [
    `May it do this (${kind})? ${title}`,
    ...(shown === undefined || shown === title ? [] : [shown]),
    ...(cwd === undefined ? [] : [`in ${cwd}`]),
    ...(paths.length === 0 ? [] : [paths.join(", ")]),
    `By itself it may not: ${why}`,
  ];
  return lines.join("\n").slice(0, MAX_SHOWN_CHARACTERS).toWellFormed();
}
