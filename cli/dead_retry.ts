import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type Connection, streamSettings } from "@ourocodus/bus";
import { deadLetters, retryDeadLetter } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { sequenceArgument, sessionPlace } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { ROLE, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, jsonLine, paint } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";

/** `dead retry`: sends the work of dead letters again. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (sequences, flags) =>
    done(await deadRetry(sequences, flags, console))
  );
}

function declare() {
  return new Command()
    .description("Sends the work of dead letters again, unchanged, as new work.")
    .argument("[sequence...]", "the dead letters' sequences, as dead list shows them")
    .addOption(sessionFlag("the session"))
    .option(ROLE, "with --all: only this role's")
    .option("--all", "all that were not sent again yet")
    .option("--again", "also those that were sent again before")
    .option("--json", "print a line of JSON per dead letter")
    .option(...NATS_FLAG)
    .addHelpText("after", helpEnd(["dead retry -s docs 4711", "dead retry -s docs --all"]));
}

type Flags = FlagsOf<typeof declare>;

/**
 * Runs the command.
 *
 * @throws {UsageError} If it does not say which, or a flag has a value that cannot be used.
 */
async function deadRetry(
  sequences: readonly string[],
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const { session, role } = sessionPlace(flags);
  if ((sequences.length > 0) === (flags.all === true)) {
    throw new UsageError("give either sequences or --all");
  }
  if (role !== undefined && !flags.all) throw new UsageError("--role needs --all");
  const given = sequences.map(sequenceArgument);
  await using connection = await connectToLog(console, flags);
  let code: ExitCode = EXIT.ok;
  const which = flags.all ? allOf(connection, session, role, console) : given;
  let any = false;
  for await (const sequence of which) {
    any = true;
    if (!await retry(connection, session, sequence, flags, console)) code = EXIT.failed;
    if (console.signal.aborted) return EXIT.interrupted;
  }
  if (!any) await console.out.write(`No dead letters of session ${session} to send again\n`);
  return code;
}

/** Oldest first, as they were sent the first time. */
async function* allOf(
  connection: Connection,
  session: string,
  role: string | undefined,
  { signal }: Console,
): AsyncGenerator<number> {
  const found: number[] = [];
  let before: number | undefined;
  do {
    const page = await deadLetters(connection, session, { role, before, limit: 1_000, signal });
    found.push(...page.items.map(({ sequence }) => sequence));
    before = page.nextBefore ?? undefined;
  } while (before !== undefined);
  yield* found.reverse();
}

async function retry(
  connection: Connection,
  session: string,
  sequence: number,
  { again, json }: Flags,
  console: Console,
): Promise<boolean> {
  const { green } = paint(console.out.hasColor);
  const { signal, env } = console;
  const limits = streamSettings(env);
  const done = await retryDeadLetter(connection, session, sequence, { again, limits, signal });
  switch (done.kind) {
    case "retried": {
      const { id, sequence: work } = done.sent;
      await console.out.write(
        json
          ? jsonLine({ id, sequence: work, requeued_from: sequence })
          : `${green("✓")} ${harmless(id)} sent again: sequence ${work}\n`,
      );
      return true;
    }
    case "not_found":
      await console.err.write(`error: session ${session} has no dead letter ${sequence}\n`);
      return false;
    case "already":
      await console.err.write(
        `error: ${sequence} was sent again before, as sequence ${done.work_sequence}; ` +
          "--again sends it once more\n",
      );
      return false;
    case "refused":
      await console.err.write(
        `error: ${sequence} cannot be sent again: ${harmless(done.reason)}\n`,
      );
      return false;
  }
}
