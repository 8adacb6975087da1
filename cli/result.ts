/**
 * `result`.
 *
 * @module
 */
import { isUnfinished, type WorkTrace } from "@ourocodus/ops";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { checkWork, findWork } from "./find_work.ts";
import { connectNats, ensureLog } from "./nats.ts";
import { printResult } from "./print_result.ts";
import { isErrorResult, recordJson } from "./record_text.ts";
import { harmless } from "./terminal_text.ts";
import { tracedResult } from "./traced_result.ts";
import type { WorkFlags } from "./work_query.ts";

/** Flags of `result`. */
export interface ResultFlags extends WorkFlags {
  readonly json?: true;
  readonly nats?: string;
}

/**
 * Runs the command.
 *
 * @param asked An id, or a sequence.
 * @throws {UsageError} If it can be neither, or is both, of different work.
 */
export async function result(
  asked: string,
  flags: ResultFlags,
  console: Console,
): Promise<ExitCode> {
  checkWork(asked, flags);
  await using connection = await connectNats(console, { url: flags.nats });
  await ensureLog(console, connection);
  const { out, err } = console;
  const trace = await findWork(asked, flags, { connection, console });
  if (trace === undefined) return EXIT.failed;
  const record = await tracedResult(connection, trace);
  if (record === undefined) {
    await err.write(`error: ${missingText(trace)}\n`);
    return isUnfinished(trace.state) ? EXIT.timeout : EXIT.failed;
  }
  if (flags.json) await out.write(`${recordJson(record)}\n`);
  else await printResult(record, { named: true }, console);
  return isErrorResult(record) ? EXIT.failed : EXIT.ok;
}

/** Why there is no result, and what to do. */
function missingText(trace: WorkTrace): string {
  const { id, work_sequence, session_id, role, state, agent_id, attempts, note } = trace;
  const name = harmless(id ?? `work ${work_sequence}`);
  const place = `session ${session_id}, role ${role}, sequence ${work_sequence}`;
  const wait = `"ourocodus work wait --sequence ${work_sequence}" waits for it`;
  switch (state) {
    case "waiting": {
      const why = note === null ? "" : `, ${harmless(note)}`;
      return `${name} has no result yet: it waits in the queue${why} (${place}); ${wait}`;
    }
    case "in_hand":
      return `${name} has no result yet: agent ${agent_id} has it, attempt ${attempts} ` +
        `(${place}); ${wait}`;
    default:
      return `${name} is ${state}, and no result of it is kept (any more) (${place})`;
  }
}
