import type { Connection } from "@ourocodus/bus";
import { traceWorks, type WorkTrace } from "@ourocodus/ops";
import type { Console } from "./console.ts";
import { connectNats, ensureLog } from "./nats.ts";
import { harmless } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";
import { unknownWork, type WorkFlags, workPlace, workQueries } from "./work_query.ts";

/** Checks what {@linkcode findWork} is asked for. @throws {UsageError} If it can be neither id nor sequence. */
export function checkWork(asked: string, flags: WorkFlags): void {
  workPlace(flags);
  workQueries(asked, flags);
}

/** {@linkcode findWork} over a connection of its own. */
export async function tracedWork(
  asked: string,
  flags: WorkFlags & { readonly nats?: string },
  console: Console,
): Promise<WorkTrace | undefined> {
  checkWork(asked, flags);
  await using connection = await connectNats(console, { url: flags.nats });
  await ensureLog(console, connection);
  return await findWork(asked, flags, { connection, console });
}

/** How a work item is called. */
export function nameOf({ id, work_sequence }: WorkTrace): string {
  return harmless(id ?? `work ${work_sequence}`);
}

/**
 * The newest work with an id, or the work with a sequence; says so if there is none.
 *
 * @param asked Digits alone may be either.
 * @throws {UsageError} If it can be neither, or is both, of different work.
 */
export async function findWork(
  asked: string,
  flags: WorkFlags,
  { connection, console }: { readonly connection: Connection; readonly console: Console },
): Promise<WorkTrace | undefined> {
  const queries = workQueries(asked, flags);
  const options = { ...workPlace(flags), limit: 1, signal: console.signal };
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
