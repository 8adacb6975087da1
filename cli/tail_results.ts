import { outcomeSubjects } from "@ourocodus/protocol";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { nameFlag } from "./flag_values.ts";
import { recordJson, resultLine } from "./record_text.ts";
import { type TailFlags, tailLog } from "./tail_log.ts";
import { paint } from "./terminal_text.ts";

/** Flags of `tail results`. */
export interface TailResultsFlags extends TailFlags {
  readonly session?: string;
  readonly role?: string;
}

/** Prints the last results of a session, and follows. */
export async function tailResults(flags: TailResultsFlags, console: Console): Promise<ExitCode> {
  const session = nameFlag("--session", flags.session);
  const role = flags.role === undefined ? "*" : nameFlag("--role", flags.role);
  const colors = paint(console.out.hasColor);
  return await tailLog(flags, {
    subject: outcomeSubjects(session, role),
    format: flags.json ? recordJson : (record) => resultLine(record, colors),
  }, console);
}
