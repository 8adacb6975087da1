/**
 * `dead list`.
 *
 * @module
 */
import { type DeadLetter, deadLetters } from "@ourocodus/ops";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { limitFlag, nameFlag } from "./flag_values.ts";
import { connectNats, ensureLog } from "./nats.ts";
import { headRow, table } from "./table.ts";
import { harmless, harmlessJson, localTime, paint } from "./terminal_text.ts";

/** Flags of `dead list`. */
export interface DeadListFlags {
  readonly session?: string;
  readonly role?: string;
  readonly all?: true;
  readonly limit?: string;
  readonly json?: true;
  readonly nats?: string;
}

const SHOWN = 120;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
export async function deadList(flags: DeadListFlags, console: Console): Promise<ExitCode> {
  const session = nameFlag("--session", flags.session);
  const role = flags.role === undefined ? undefined : nameFlag("--role", flags.role);
  const limit = limitFlag("--limit", flags.limit);
  await using connection = await connectNats(console, { url: flags.nats });
  await ensureLog(console, connection);
  const { all, json } = flags;
  const { signal } = console;
  const page = await deadLetters(connection, session, { role, limit, all, signal });
  if (json) {
    for (const letter of page.items) {
      await console.out.write(`${harmlessJson(JSON.stringify(letter))}\n`);
    }
    return EXIT.ok;
  }
  if (page.items.length === 0) {
    await console.out.write(`No work of session ${session} was given up on\n`);
    return EXIT.ok;
  }
  const { dim } = paint(console.out.hasColor);
  const head = headRow(["SEQUENCE", "TIME", "ROLE", "ID", "ATTEMPTS", "WHY"], dim);
  await console.out.write(`${table([head, ...page.items.map(row)]).join("\n")}\n`);
  if (page.nextBefore !== null) {
    await console.out.write(dim(`and more: -n ${limit * 10} shows as many\n`));
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
