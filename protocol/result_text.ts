/**
 * What people read of a result: its text, or its error, and the facts that coding agents add. One
 * rule for the command line and the monitor. There is no NATS in here: the monitor's page has it too.
 *
 * All of it is an agent's text: callers make it harmless before they show it.
 *
 * @module
 */

type Payload = Readonly<Record<string, unknown>>;

/** The text of a result. */
export interface ResultText {
  readonly text: string;
  /** Whether the text is indented JSON, as the payload has no text of its own. */
  readonly isJson: boolean;
}

/**
 * Finds the text of a result: `output ?? text ?? message`, else the whole payload as JSON. An output
 * that is no string, such as the value that a schema asked for, is shown as JSON.
 *
 * @example
 * ```ts
 * import { resultText } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(resultText({ text: "Done.", tools: {} }), { text: "Done.", isJson: false });
 * assert.deepEqual(resultText({ n: 1 }), { text: '{\n  "n": 1\n}', isJson: true });
 * ```
 */
export function resultText(payload: Payload): ResultText {
  const said = saidBy(payload);
  return typeof said === "string"
    ? { text: said, isJson: false }
    : { text: JSON.stringify(said, undefined, 2) ?? "", isJson: true };
}

/** The first line of a result's text that is not blank; of JSON, all of it in one line. */
export function resultHeadline(payload: Payload): string {
  const said = saidBy(payload);
  if (typeof said !== "string") return JSON.stringify(said) ?? "";
  return /^.*\S.*$/m.exec(said)?.[0].trim() ?? "";
}

/** A result's text, or the value that is shown as JSON in its place. */
function saidBy(payload: Payload): unknown {
  const { output, text, message } = payload;
  return output ?? [text, message].find((value) => typeof value === "string") ?? payload;
}

/** What an error result says. */
export interface ErrorText {
  /** Its message; without one, the payload as JSON. */
  readonly message: string;
  readonly code?: string;
  /** What else it has that is of help: names, and values of one line or several. */
  readonly details: readonly { readonly name: string; readonly value: string }[];
}

/** Told by {@linkcode resultFacts}, known to the one who asks, or too large to help. */
const NO_DETAILS = [
  ...["branch", "base", "commit", "files", "patch", "patch_bytes", "usage", "duration_ms"],
  ...["agent", "tools", "permissions", "attempt", "resumed", "stop_reason"],
  ...["session_id", "role"],
];

/** Takes an error result apart. */
export function errorText(payload: Payload): ErrorText {
  const { message, code, ...rest } = payload;
  const name = typeof code === "string" || typeof code === "number" ? String(code) : undefined;
  if (typeof message !== "string") {
    return {
      message: JSON.stringify(rest),
      ...(name !== undefined && { code: name }),
      details: [],
    };
  }
  const details = Object.entries(rest)
    .filter(([name, value]) => !NO_DETAILS.includes(name) && !isEmpty(value))
    .map(([name, value]) => ({
      name,
      value: typeof value === "string" ? value : JSON.stringify(value) ?? "",
    }));
  return { message, ...(name !== undefined && { code: name }), details };
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === "string" && !value.trim());
}

/** An error result in one line: `message (code)`. */
export function errorHeadline(payload: Payload): string {
  const { message, code } = errorText(payload);
  const line = message.replaceAll(/\s*\n\s*/g, " ").trim();
  return code === undefined ? line : `${line} (${code})`;
}

/** What a coding agent's result says about its work. */
export interface ResultFacts {
  readonly branch?: string;
  readonly commit?: string;
  readonly changed?: { readonly files: number; readonly added: number; readonly removed: number };
  /** How many of its requests for permission were denied. */
  readonly denied?: number;
  /** Input and output together. */
  readonly tokens?: number;
  readonly cost?: { readonly amount: number; readonly currency: string };
}

/** Finds the facts, in a result or an error; of another agent's payload there are none. */
export function resultFacts(payload: Payload): ResultFacts {
  const { branch, commit, files } = payload;
  const usage = fieldsOf(payload.usage);
  const cost = fieldsOf(usage.cost);
  const tokens = numberOf(usage.input_tokens) + numberOf(usage.output_tokens);
  const denied = deniedOf(payload.permissions);
  return {
    ...(typeof branch === "string" && { branch }),
    ...(typeof commit === "string" && { commit }),
    ...(typeof branch === "string" && Array.isArray(files) && { changed: sizeOf(files) }),
    ...(denied > 0 && { denied }),
    ...(tokens > 0 && { tokens }),
    ...(typeof cost.currency === "string" && numberOf(cost.amount) > 0 && {
      cost: { amount: numberOf(cost.amount), currency: cost.currency },
    }),
  };
}

/** The facts, each in a few words: `2 files +3 −1`, `1 permission denied`, `$0.02`. */
export function factTexts(
  { branch, commit, changed, denied, tokens, cost }: ResultFacts,
): string[] {
  return [
    ...(branch === undefined ? [] : [commit ? `${branch} (${commit.slice(0, 7)})` : branch]),
    ...(changed === undefined ? [] : [changeText(changed)]),
    ...(denied === undefined ? [] : [`${denied} permission${denied === 1 ? "" : "s"} denied`]),
    ...(tokens === undefined ? [] : [`${tokens.toLocaleString("en-US")} tokens`]),
    ...(cost === undefined ? [] : [costText(cost)]),
  ];
}

function changeText({ files, added, removed }: NonNullable<ResultFacts["changed"]>): string {
  if (files === 0) return "no changes";
  return `${files} ${files === 1 ? "file" : "files"} +${added} \u2212${removed}`;
}

function costText({ amount, currency }: NonNullable<ResultFacts["cost"]>): string {
  // Cents, or as many digits as it takes to see something.
  const digits = amount >= 0.01 ? amount.toFixed(2) : String(Number(amount.toPrecision(1)));
  return currency === "USD" ? `$${digits}` : `${digits} ${currency}`;
}

function sizeOf(files: readonly unknown[]): NonNullable<ResultFacts["changed"]> {
  const sum = (name: string) =>
    files.reduce((all: number, file) => all + numberOf(fieldsOf(file)[name]), 0);
  return { files: files.length, added: sum("added"), removed: sum("removed") };
}

function deniedOf(permissions: unknown): number {
  if (!Array.isArray(permissions)) return 0;
  return permissions.filter((each) => fieldsOf(each).answer === "deny").length;
}

function fieldsOf(value: unknown): Payload {
  return typeof value === "object" && value !== null ? value as Payload : {};
}

/** Binary files have `null` for lines; anything that is no number counts as nothing. */
function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
