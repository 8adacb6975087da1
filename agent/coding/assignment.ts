import { workTitle } from "@ourocodus/protocol";
import type { Work } from "../work.ts";
import { type AnswerSchema, firstPrompt, Limits, type WorkLimits } from "./turn/mod.ts";

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
    title: workTitle(payload) ?? "Work of an agent",
    schema,
    limits: Limits.of(limits, payload.limits),
  };
}

/** Not loaded before it is needed: most work has no schema, and it takes 10 MB. */
async function answerSchema(schema: unknown): Promise<AnswerSchema> {
  const { AnswerSchema } = await import("./turn/answer_schema.ts");
  return new AnswerSchema(schema);
}
