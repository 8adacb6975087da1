import type { LogRecord } from "@ourocodus/bus";
import { eventsSubject, parseMessage } from "@ourocodus/protocol";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { nameFlag } from "./flag_values.ts";
import { eventLines, recordJson } from "./record_text.ts";
import { type TailFlags, tailLog } from "./tail_log.ts";
import { paint } from "./terminal_text.ts";

/** Flags of `tail events`. */
export interface TailEventsFlags extends TailFlags {
  readonly session?: string;
  readonly type?: readonly string[];
}

/** Prints the last events of one session or of all, and follows. */
export async function tailEvents(flags: TailEventsFlags, console: Console): Promise<ExitCode> {
  const session = flags.session === undefined ? "*" : nameFlag("--session", flags.session);
  const colors = paint(console.out.hasColor);
  const withSession = session === "*";
  return await tailLog(flags, {
    subject: eventsSubject(session),
    ...(flags.type && { matches: ofTypes(flags.type) }),
    format: flags.json ? recordJson : (record) => eventLines(record, colors, { withSession }),
  }, console);
}

/** Whether a record is an event of one of these types; `work.*` stands for all of `work.`. */
function ofTypes(types: readonly string[]): (record: LogRecord) => boolean {
  return (record) => {
    const parsed = parseMessage(record.text);
    return parsed.kind === "ok" &&
      types.some((type) =>
        type.endsWith("*")
          ? parsed.message.type.startsWith(type.slice(0, -1))
          : parsed.message.type === type
      );
  };
}
