import type { Work } from "../work.ts";
import { type AnswerSchema, firstPrompt, Limits, shortened, type WorkLimits } from "./turn/mod.ts";

/** What a payload asks for, checked before anything is done for it. */
export interface Assignment {
  /** What the coding agent is told. */
  readonly prompt: string;
  /** One line: the payload's `title`, else the message's first line. */
  readonly title: string;
  /** What the answer has to be like. */
  readonly schema: AnswerSchema | undefined;
  readonly limits: Limits;
}

const MAX_TITLE_CHARACTERS = 72;
/** What terminals act on, and what turns the direction of text: titles are shown by git log. */
const UNPRINTABLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu;

/**
 * Reads a payload.
 *
 * @param limits The agent's own.
 * @throws {WorkError} If it asks for what cannot be done: `no_message`, `invalid_schema`,
 * `invalid_limits`.
 */
export async function assignmentOf(
  { payload }: Work,
  limits: WorkLimits = {},
): Promise<Assignment> {
  const schema = payload.schema === undefined ? undefined : await answerSchema(payload.schema);
  return {
    prompt: firstPrompt(payload, schema?.text),
    title: titleOf(payload),
    schema,
    limits: Limits.of(limits, payload.limits),
  };
}

/** Not loaded before it is needed: most work has no schema, and it takes 10 MB. */
async function answerSchema(schema: unknown): Promise<AnswerSchema> {
  const { AnswerSchema } = await import("./turn/answer_schema.ts");
  return new AnswerSchema(schema);
}

function titleOf({ title, message }: Work["payload"]): string {
  const text = [title, message].find((value) => typeof value === "string" && value.trim() !== "");
  const [first = ""] = String(text ?? "Work of an agent").trim().split(/[\r\n]/);
  return shortened(first.replaceAll(UNPRINTABLE, " ").trim(), MAX_TITLE_CHARACTERS);
}
