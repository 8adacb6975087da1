/**
 * Which work item a command is about: the flags that say it, finding it by its id or its sequence,
 * and how messages call it.
 *
 * @module
 */
import type { Command } from "@commander-js/extra-typings";
import { type Connection, type LogRecord, readLog } from "@ourocodus/bus";
import {
  type TraceOptions,
  traceWorks,
  type WorkQuery,
  type WorkState,
  type WorkTrace,
} from "@ourocodus/ops";
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
    .option("--sequence", "digits are sequences, never ids");
}

/** What to look for; digits alone may be a sequence or an id. @throws {UsageError} */
function workQueries(text: string, { sequence }: WorkFlags): WorkQuery[] {
  if (sequence) return [{ workSequence: sequenceArgument(text) }];
  const wrong = invalidId(text);
  if (wrong !== undefined) throw new UsageError(wrong);
  const isSequence = /^[1-9]\d{0,14}$/.test(text);
  return isSequence ? [{ workSequence: Number(text) }, { id: text }] : [{ id: text }];
}

/** Checks what {@linkcode traceAsked} is asked for. @throws {UsageError} */
export function checkWork(asked: string, flags: WorkFlags): void {
  optionalPlace(flags);
  workQueries(asked, flags);
}

/**
 * Where work items are, each asked for by its id or its sequence: for each the work items that are
 * meant, newest first; none if nothing is known.
 *
 * @param asked Digits alone may be either.
 * @throws {UsageError} If one can be neither, or is both, of different work items.
 */
export async function traceAsked(
  connection: Connection,
  asked: readonly string[],
  flags: WorkFlags,
  options: Pick<TraceOptions, "limit" | "signal">,
): Promise<WorkTrace[][]> {
  const queries = asked.map((text) => workQueries(text, flags));
  const place = optionalPlace(flags);
  const traces = await traceWorks(connection, queries.flat(), { ...place, ...options });
  return queries.map((ways, index) => {
    const found = traces.splice(0, ways.length).filter(({ length }) => length > 0);
    const sequences = new Set(found.flatMap(([newest]) => newest?.work_sequence ?? []));
    if (sequences.size > 1) throw isBoth(asked[index] ?? "", [...sequences]);
    return found[0] ?? [];
  });
}

function isBoth(asked: string, sequences: readonly number[]): UsageError {
  const ways = sequences.map((sequence) => `--sequence ${sequence}`).join(" or ");
  return new UsageError(
    `${asked} is the sequence of one work item and the id of another; say which: ${ways}`,
  );
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
  const { signal } = console;
  const [[trace] = []] = await traceAsked(connection, [asked], flags, { limit: 1, signal });
  if (trace === undefined) await console.err.write(`error: ${unknownWork(asked, flags)}\n`);
  return trace;
}

/** Says that there is no such work. */
export function unknownWork(text: string, flags: WorkFlags): string {
  const { session, role, sequence } = flags;
  const where = [session && `session ${session}`, role && `role ${role}`].filter(Boolean)
    .join(", ");
  const id = workQueries(text, flags).length > 1 ? "the sequence or the id" : "the id";
  const what = sequence ? `the sequence ${text}` : `${id} ${harmless(JSON.stringify(text))}`;
  return `no work item with ${what}${where && ` in ${where}`}: neither the queue nor the log has ` +
    "it (any more)";
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
