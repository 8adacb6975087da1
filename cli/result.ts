import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { isUnfinished, type WorkTrace } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { checkWork, findWork } from "./find_work.ts";
import { connectNats, ensureLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { printResult } from "./print_result.ts";
import { isErrorResult, recordJson } from "./record_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless } from "./terminal_text.ts";
import { tracedResult } from "./traced_result.ts";

/** `result`: what came of a work item. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, flags) => done(await result(id, flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Prints the result of a work item: its text on standard output, and when it came, what it " +
        "changed and what it cost on standard error.",
    )
    .argument("<id>", "the work's id, or its sequence in the queue")
    .addOption(sessionFlag("only work of this session"))
    .addOption(roleFlag("only work of this role"))
    .option("--sequence", "take the argument for a sequence, though an id looks the same")
    .option("--json", "a line of JSON, as tail results --json prints it")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "result task-17",
        "result 17 > answer.md",
        "result task-17 --json | jq .message.payload.usage",
      ], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `The text of a result is its "output", else its "text", else its "message", else all
of it as JSON. Colours pass on a terminal, no other control sequence does. It ends
with 1 if the result is an error, or nothing is known of the work, and with 3 if
there is no result yet: then it says where the work is. Of several work items with
one id it is the newest.`;

/**
 * Runs the command.
 *
 * @param asked An id, or a sequence.
 * @throws {UsageError} If it can be neither, or is both, of different work.
 */
async function result(
  asked: string,
  flags: Flags,
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
