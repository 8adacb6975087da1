import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type DeadLetter, deadLetters } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { limitFlag, sessionPlace } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { headRow, table } from "./table.ts";
import { harmless, jsonLine, localTime, paint } from "./terminal_text.ts";

/** `dead list`: lists dead letters. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await deadList(flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Lists the dead letters of a session, the newest first: work that is not tried again, after " +
        "too many attempts or because no agent can take it.",
    )
    .addOption(sessionFlag("the session"))
    .addOption(roleFlag("only this role's"))
    .option("--all", "also those that were sent again")
    .option("-n, --limit <count>", "how many to list (default: 100)")
    .option("--json", "print a line of JSON per dead letter")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["dead list -s docs", "dead list -s docs --json | jq -r .error"]),
    );
}

type Flags = FlagsOf<typeof declare>;

const SHOWN = 120;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
async function deadList(flags: Flags, console: Console): Promise<ExitCode> {
  const { session, role } = sessionPlace(flags);
  const limit = limitFlag("--limit", flags.limit);
  await using connection = await connectToLog(console, flags);
  const { all, json } = flags;
  const { signal } = console;
  const page = await deadLetters(connection, session, { role, limit, all, signal });
  if (json) {
    for (const letter of page.items) await console.out.write(jsonLine(letter));
    return EXIT.ok;
  }
  if (page.items.length === 0) {
    await console.out.write(`No dead letters of session ${session}\n`);
    return EXIT.ok;
  }
  const { dim } = paint(console.out.hasColor);
  const head = headRow(["SEQUENCE", "TIME", "ROLE", "ID", "ATTEMPTS", "WHY"], dim);
  await console.out.write(`${table([head, ...page.items.map(row)]).join("\n")}\n`);
  if (page.nextBefore !== null) {
    await console.out.write(dim(`and more: add -n ${limit * 10}\n`));
  }
  return EXIT.ok;
}

function row(letter: DeadLetter): string[] {
  const why = harmless(letter.error || letter.reason);
  const again = letter.requeued_as === null ? "" : `sent again as ${letter.requeued_as}; `;
  return [
    String(letter.sequence),
    localTime(new Date(letter.time)),
    letter.role,
    harmless(letter.id ?? "(no message)"),
    String(letter.attempts),
    again + (why.length > SHOWN ? `${why.slice(0, SHOWN)}…` : why),
  ];
}
