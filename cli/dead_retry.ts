import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type Connection, streamSettings } from "@ourocodus/bus";
import { retryWork } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { idFlag, sequenceArgument, sessionPlace } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { ROLE, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { type AskedRetry, tellAll } from "./tell_retries.ts";
import { UsageError } from "./usage_error.ts";
import { unknownWork } from "./work_item.ts";
import { retryFiltered } from "./work_retry.ts";

/** `dead retry`: `work retry` for dead letters, by the sequences that `dead list` shows. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (asked, flags) => done(await deadRetry(asked, flags, console)));
}

function declare() {
  return new Command()
    .description("Sends the work of dead letters again, as work retry does.")
    .argument("[dead...]", "the dead letter's sequence, as dead list shows it, or the work's id")
    .addOption(sessionFlag("the session"))
    .option(ROLE, "only this role's")
    .option("--all", "all that were not sent again yet, oldest first, 1,000 at a time")
    .option("--again", "without --all: also those that were sent again before")
    .option("--json", "print a line of JSON per work item")
    .option(...NATS_FLAG)
    .addHelpText("after", helpEnd(["dead retry -s docs 4711 task-17", "dead retry -s docs --all"]));
}

type Flags = FlagsOf<typeof declare>;

/**
 * Runs the command.
 *
 * @throws {UsageError} If it does not say which, or a flag has a value that cannot be used.
 */
async function deadRetry(
  asked: readonly string[],
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const place = sessionPlace(flags);
  if ((asked.length > 0) === (flags.all === true)) {
    throw new UsageError("give either dead letters or --all");
  }
  const queries = asked.map(queryOf);
  await using connection = await connectToLog(console, flags);
  const all = flags.all
    ? retryFiltered(connection, { ...place, states: ["dead"] }, {}, console)
    : retryLetters(connection, queries, { ...place, again: flags.again }, console);
  const { code } = await tellAll(all, flags, console);
  return console.signal.aborted ? EXIT.interrupted : code;
}

type Query = { readonly id: string } | { readonly deadLetter: number };

function queryOf(text: string): Query {
  return /^\d+$/.test(text)
    ? { deadLetter: sequenceArgument(text) }
    : { id: idFlag("the dead letter's id", text) };
}

async function* retryLetters(
  connection: Connection,
  queries: readonly Query[],
  options: { readonly session: string; readonly role?: string; readonly again?: boolean },
  { env, signal }: Console,
): AsyncGenerator<AskedRetry> {
  const { session } = options;
  const limits = streamSettings(env);
  for (const query of queries) {
    const done = await retryWork(connection, query, { ...options, limits, signal });
    yield "id" in query ? { asked: query.id, done, unknown: unknownWork(query.id, options) } : {
      asked: String(query.deadLetter),
      done,
      unknown: `session ${session} has no dead letter ${query.deadLetter}`,
    };
  }
}
