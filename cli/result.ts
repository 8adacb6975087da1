import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { isUnfinished, type WorkTrace } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { connectToLog } from "./nats.ts";
import { printResult } from "./print_result.ts";
import { isErrorResult, recordJson } from "./record_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless } from "./terminal_text.ts";
import { checkWork, findWork, nameOf, placeOf, tracedResult, workFlags } from "./work_item.ts";

/** `result`: prints the result of a work item. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, flags) => done(await result(id, flags, console)));
}

function declare() {
  return workFlags(new Command())
    .description(
      "Prints the result of a work item: the text on standard output; when it came, what changed " +
        "and what it cost on standard error.",
    )
    .argument("<id>", "the work item's id, or its sequence in the queue")
    .option("--json", "print a line of JSON, like tail results --json")
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

const NOTES = `The text is the result's "output"; without one its "text", then its "message", then
the whole payload as JSON. Colours in it are kept on a terminal, other control sequences are not.

If several work items have the id, the newest is taken. If there is no result yet, the command says
where the work item is, and exits with 3. It exits with 1 for an error result, and if no such work
item is known.`;

/** Runs the command. @throws {UsageError} If the id or a flag cannot be used. */
async function result(asked: string, flags: Flags, console: Console): Promise<ExitCode> {
  checkWork(asked, flags);
  await using connection = await connectToLog(console, flags);
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
  const { work_sequence, state, agent_id, attempts, note } = trace;
  const [name, place] = [nameOf(trace), placeOf(trace)];
  const wait = `"ourocodus work wait --sequence ${work_sequence}" waits for it`;
  switch (state) {
    case "waiting": {
      const why = note === null ? "" : `, ${harmless(note)}`;
      return `${name} has no result yet: it waits in the queue${why} (${place}); ${wait}`;
    }
    case "in_hand":
      return `${name} has no result yet: it runs at agent ${agent_id}, attempt ${attempts} ` +
        `(${place}); ${wait}`;
    default:
      return `${name} is ${state}, and no result of it is kept (any more) (${place})`;
  }
}
