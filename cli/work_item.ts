/**
 * Which work item a command is about: the flags that say it, finding it by its id or its sequence,
 * and how messages call it.
 *
 * @module
 */
import type { Command } from "@commander-js/extra-typings";
import { type Connection, type LogRecord, readLog } from "@ourocodus/bus";
import { traceWorks, type WorkQuery, type WorkState, type WorkTrace } from "@ourocodus/ops";
import { invalidId, outcomeSubjects } from "@ourocodus/protocol";
import type { Console } from "./console.ts";
import { optionalPlace, sequenceArgument } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { harmless } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";

/** The flags that say how to look for it. */
export type WorkFlags = {
  readonly session?: string;
  readonly role?: string;
  readonly sequence?: true;
};

/** Adds {@linkcode WorkFlags} to a command. */
export function workFlags(command: Command): Command<[], WorkFlags> {
  return command
    .addOption(sessionFlag("only work of this session"))
    .addOption(roleFlag("only work of this role"))
    .option("--sequence", "arguments are sequences, not ids");
}

/** What to look for. @throws {UsageError} If it can be neither id nor sequence. */
export function workQuery(text: string, { sequence }: WorkFlags): WorkQuery {
  if (sequence) return { workSequence: sequenceArgument(text) };
  const wrong = invalidId(text);
  if (wrong !== undefined) throw new UsageError(wrong);
  return { id: text };
}

/** What to look for where digits alone may be an id or a sequence. @throws {UsageError} */
function workQueries(text: string, flags: WorkFlags): WorkQuery[] {
  const query = workQuery(text, flags);
  const isSequence = !flags.sequence && /^[1-9]\d{0,14}$/.test(text);
  return isSequence ? [{ workSequence: Number(text) }, query] : [query];
}

/** Checks what {@linkcode findWork} is asked for. @throws {UsageError} */
export function checkWork(asked: string, flags: WorkFlags): void {
  optionalPlace(flags);
  workQueries(asked, flags);
}

/** {@linkcode findWork} over a connection of its own. */
export async function tracedWork(
  asked: string,
  flags: WorkFlags & { readonly nats?: string },
  console: Console,
): Promise<WorkTrace | undefined> {
  checkWork(asked, flags);
  await using connection = await connectToLog(console, flags);
  return await findWork(asked, flags, { connection, console });
}

/**
 * The newest work item with an id, or the one with a sequence; says so if there is none.
 *
 * @param asked Digits alone may be either.
 * @throws {UsageError} If it can be neither, or is both, of different work items.
 */
export async function findWork(
  asked: string,
  flags: WorkFlags,
  { connection, console }: { readonly connection: Connection; readonly console: Console },
): Promise<WorkTrace | undefined> {
  const queries = workQueries(asked, flags);
  const options = { ...optionalPlace(flags), limit: 1, signal: console.signal };
  const traces = (await traceWorks(connection, queries, options)).flat();
  const sequences = [...new Set(traces.map(({ work_sequence }) => work_sequence))];
  if (sequences.length > 1) {
    throw new UsageError(
      `${asked} is the sequence of one work item and the id of another; say which: ` +
        sequences.map((sequence) => `--sequence ${sequence}`).join(" or "),
    );
  }
  const [trace] = traces;
  const tried = queries.length > 1 ? "both" : "one";
  if (trace === undefined) await console.err.write(`error: ${unknownWork(asked, flags, tried)}\n`);
  return trace;
}

/** Says that there is no such work. @param tried Whether digits were looked up as both. */
export function unknownWork(
  text: string,
  { session, role, sequence }: WorkFlags,
  tried: "one" | "both" = "one",
): string {
  const where = [session && `session ${session}`, role && `role ${role}`].filter(Boolean)
    .join(", ");
  const id = tried === "both" ? "the sequence or the id" : "the id";
  const what = sequence ? `the sequence ${text}` : `${id} ${harmless(JSON.stringify(text))}`;
  const hint = !sequence && tried === "one" && /^\d{1,15}$/.test(text)
    ? `; if it is a sequence, add --sequence`
    : "";
  return `no work item with ${what}${where && ` in ${where}`}: neither the queue nor the log has ` +
    `it (any more)${hint}`;
}

/** The record of the result that a trace tells of; undefined if there is none (any more). */
export async function tracedResult(
  connection: Connection,
  { session_id, role, result }: WorkTrace,
): Promise<LogRecord | undefined> {
  if (result === null) return undefined;
  const { sequence } = result;
  const subject = outcomeSubjects(session_id, role);
  for await (const record of readLog(connection, subject, { fromSequence: sequence })) {
    return record.sequence === sequence ? record : undefined;
  }
  return undefined;
}

interface NamedWork {
  readonly id: string | null;
  readonly work_sequence: number;
}

/** What messages call a work item. */
export function nameOf({ id, work_sequence }: NamedWork): string {
  return harmless(id ?? `work ${work_sequence}`);
}

/** What people call a state: `in_hand` is "running". */
export function stateWord(state: WorkState): string {
  return state === "in_hand" ? "running" : state;
}

/** Where it belongs: `session docs, role writer, sequence 17`. */
export function placeOf(
  { session_id, role, work_sequence }: NamedWork & {
    readonly session_id: string;
    readonly role: string;
  },
): string {
  return `session ${session_id}, role ${role}, sequence ${work_sequence}`;
}
