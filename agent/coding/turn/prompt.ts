/**
 * The texts that are sent to an agent: the work's message, and what this program adds.
 *
 * The message is sent as it is. What is added stands after it, or is a prompt of its own, and never
 * repeats the message.
 *
 * @module
 */
import { WorkError } from "../../errors.ts";
import { withoutEscapeCodes } from "../../escape_codes.ts";

/** How the check of a work item failed. */
export interface FailedCheck {
  readonly command: string;
  /** Its exit code; left out if it did not exit by itself. */
  readonly exitCode?: number;
  /** Why it has no exit code, such as `took more than 10m`. */
  readonly why?: string;
  /** What it printed, or the end of it. */
  readonly output: string;
}

const MAX_OUTPUT_CHARACTERS = 16_384;
const MAX_ERRORS_CHARACTERS = 8_192;

/**
 * The first prompt of a work item.
 *
 * @param payload The work's: `message` says what is to be done.
 * @param schema The JSON text of the schema that the answer must be valid for.
 * @throws {WorkError} `no_message`
 */
export function firstPrompt(payload: Readonly<Record<string, unknown>>, schema?: string): string {
  const { message } = payload;
  if (typeof message !== "string" || message.trim() === "") {
    throw new WorkError("no_message", `Cannot begin the work: ${missing(payload)}`);
  }
  return schema === undefined ? message : `${message}\n\n${schemaText(schema)}`;
}

function missing(payload: Readonly<Record<string, unknown>>): string {
  const { message } = payload;
  const wanted = "it must be a text that says what is to be done";
  if (message === undefined) {
    const other = ["prompt", "text", "task", "input"].find((name) => name in payload);
    const hint = other === undefined ? "" : ` (payload.${other} is not read)`;
    return `payload.message is missing${hint}, ${wanted}`;
  }
  if (typeof message === "string") return `payload.message is empty, ${wanted}`;
  const text = JSON.stringify(message) ?? String(message);
  return `payload.message is ${text.slice(0, 100).toWellFormed()}, ${wanted}`;
}

/** The prompt that goes on with a loaded conversation. */
export function resumePrompt(): string {
  return `You were interrupted in the middle of your work: the program that ran you ended. All commands
that you had started have ended too, and were not run again. The files are as you left them. See
what is done already, then go on and finish what you were asked for.`;
}

/** The prompt after a check has failed. */
export function checkFailedPrompt({ command, exitCode, why, output }: FailedCheck): string {
  const how = exitCode === undefined ? why ?? "did not end" : `ended with exit code ${exitCode}`;
  const text = withoutEscapeCodes(output).trimEnd();
  const end = text.slice(-MAX_OUTPUT_CHARACTERS).toWellFormed();
  const shown = end === ""
    ? "It printed nothing."
    : `${end.length < text.length ? "The end of its output" : "Its output"}:\n\n${fenced(end)}`;
  return `Your work was checked, and the check failed: ${inline(command)} ${how}.

${shown}

Find out why and repair it. The check runs again when you have finished.`;
}

/** The prompt after an answer that is not valid for its schema. */
export function schemaRepairPrompt(errors: readonly string[], schema: string): string {
  const list = errors.map((error) => `- ${error.replaceAll(/\s+/g, " ")}`).join("\n");
  return `Your answer is not valid for the JSON Schema that it must be valid for:

${list.slice(0, MAX_ERRORS_CHARACTERS).toWellFormed()}

Answer again. ${schemaText(schema)}`;
}

function schemaText(schema: string): string {
  return `Your last message must be one JSON value and nothing else, without words around it. It must be
valid for this JSON Schema:

${fenced(schema, "json")}`;
}

/** A text in a fence that it cannot end. */
function fenced(text: string, language = ""): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

function inline(command: string): string {
  const line = command.replaceAll(/\s+/g, " ").trim().slice(0, 500).toWellFormed();
  return line.includes("`") ? `"${line}"` : `\`${line}\``;
}
