/**
 * What a command is given of a work item: arguments, environment variables, standard input.
 *
 * @module
 */
import { byteLength } from "@ourocodus/protocol";
import { WorkError } from "../errors.ts";
import { MARK_VARIABLE } from "../processes/mod.ts";
import type { Work, WorkContext } from "../work.ts";
import { fillArgument, type TemplateValues } from "./template.ts";

/** What a command finds on its standard input. */
export type StdinMode = "message" | "json" | "none";

/** What a command is given. */
export interface CommandInput {
  readonly args: readonly string[];
  /** Variables for the environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that cannot be in an environment, for their size or a NUL character in them. */
  readonly omitted: readonly string[];
  /** Text for standard input, or nothing at all. */
  readonly stdin: string | undefined;
}

/** The variable that has the work's key: the same at every attempt, and of no other work. */
export const WORK_VARIABLE = "OUROCODUS_WORK_KEY";

/** Variables that are set for the command; what the agent itself has of them, it does not see. */
export const VARIABLES = [
  "OUROCODUS_ID",
  "OUROCODUS_SESSION",
  "OUROCODUS_ROLE",
  "OUROCODUS_AGENT_ID",
  "OUROCODUS_ATTEMPT",
  "OUROCODUS_MESSAGE",
  "OUROCODUS_OMITTED",
  WORK_VARIABLE,
  MARK_VARIABLE,
] as const;

/** Linux takes no argument or variable (`NAME=value`) of more bytes, the NUL at its end included. */
export const MAX_ARGUMENT_BYTES = 131_072;

/**
 * Makes the input for a work item.
 *
 * The message is the payload's `message`: a string as it is, anything else as its JSON text.
 *
 * @param args The command's arguments, with places to be filled.
 * @throws {WorkError} `no_message` if a message is asked for that the payload does not have;
 * `argument_nul` if an argument would get a NUL character.
 */
export function commandInput(
  args: readonly string[],
  work: Work,
  context: Pick<WorkContext, "session" | "role" | "agentId" | "attempt">,
  mode: StdinMode,
): CommandInput {
  const message = messageText(work.payload.message);
  const { session, role, agentId, attempt } = context;
  const values = { message, id: work.id, session, role };
  return {
    args: args.map((argument, index) => filled(argument, index, values)),
    ...variablesOf({
      OUROCODUS_ID: work.id,
      OUROCODUS_SESSION: session,
      OUROCODUS_ROLE: role,
      OUROCODUS_AGENT_ID: agentId,
      OUROCODUS_ATTEMPT: String(attempt),
      [WORK_VARIABLE]: work.key,
      ...(message !== undefined && { OUROCODUS_MESSAGE: message }),
    }),
    stdin: stdinText(mode, work, message),
  };
}

/** The same without a variable, for an environment that is too large with it. */
export function withoutVariable(input: CommandInput, name: string): CommandInput {
  const { [name]: _, OUROCODUS_OMITTED: __, ...variables } = input.variables;
  return { ...input, ...withNote(variables, [...input.omitted, name]) };
}

function messageText(message: unknown): string | undefined {
  return typeof message === "string" ? message : JSON.stringify(message);
}

function filled(argument: string, index: number, values: TemplateValues): string {
  const result = fillArgument(argument, values);
  if (result.kind === "absent") throw noMessage(`argument ${index + 1} asks for it`);
  if (!result.text.includes("\0")) return result.text;
  throw new WorkError(
    "argument_nul",
    `Cannot start the command: argument ${index + 1} has a NUL character`,
  );
}

function stdinText(mode: StdinMode, work: Work, message: string | undefined): string | undefined {
  if (mode === "none") return undefined;
  if (mode === "json") return `${JSON.stringify(work.payload)}\n`;
  if (message === undefined) {
    throw noMessage(
      "it is what the command gets on standard input, except with --stdin json or none",
    );
  }
  return message;
}

function noMessage(why: string): WorkError {
  return new WorkError("no_message", `The payload has no "message", and ${why}`);
}

type Variables = Pick<CommandInput, "variables" | "omitted">;

function variablesOf(wanted: Readonly<Record<string, string>>): Variables {
  const fits = ([name, value]: [string, string]) =>
    !value.includes("\0") && byteLength(name) + byteLength(value) + 2 <= MAX_ARGUMENT_BYTES;
  const all = Object.entries(wanted);
  const omitted = all.filter((entry) => !fits(entry)).map(([name]) => name);
  return withNote(Object.fromEntries(all.filter(fits)), omitted);
}

function withNote(
  variables: Readonly<Record<string, string>>,
  omitted: readonly string[],
): Variables {
  const note = omitted.length > 0 && { OUROCODUS_OMITTED: omitted.join(" ") };
  return { variables: { ...variables, ...note }, omitted };
}
