import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type PendingWork, pendingWork } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { limitFlag, sequenceArgument, sessionPlace } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { type Cell, headRow, table } from "./table.ts";
import { harmless, jsonLine, localTime, type Paint, paint, span } from "./terminal_text.ts";

/** `work list`: lists work that has no outcome yet. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await workList(flags, console)));
}

function declare() {
  return new Command()
    .description("Lists a session's work that has no outcome yet, the oldest first.")
    .addOption(sessionFlag("the session"))
    .addOption(roleFlag("only this role's"))
    .option("--after <sequence>", "begin after the work item with this sequence")
    .option("-n, --limit <count>", "how many to list (default: 100)")
    .option("--json", "print a line of JSON per work item, with its payload")
    .option(...NATS_FLAG)
    .addHelpText("after", helpEnd(["work list -s docs", "work list -s docs --json | jq -r .id"]));
}

type Flags = FlagsOf<typeof declare>;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
async function workList(flags: Flags, console: Console): Promise<ExitCode> {
  const { session, role } = sessionPlace(flags);
  const after = flags.after === undefined ? undefined : sequenceArgument(flags.after);
  const limit = limitFlag("--limit", flags.limit);
  await using connection = await connectToLog(console, flags);
  const { signal, out } = console;
  const { items, next } = await pendingWork(connection, session, { role, after, limit, signal });
  if (flags.json) {
    for (const work of items) await out.write(jsonLine(work));
    return EXIT.ok;
  }
  const colors = paint(out.hasColor);
  if (items.length === 0) {
    const whose = role === undefined ? `session ${session}` : `role ${role} of session ${session}`;
    await out.write(`No work of ${whose} is waiting or running\n`);
    return EXIT.ok;
  }
  const named = items.some(({ conversation }) => typeof conversation === "string");
  const names = ["SEQUENCE", "STORED", "ROLE", "ID", ...named ? ["CONVERSATION"] : [], "STATE"];
  const rows = items.map((work) => row(work, named, colors));
  await out.write(`${table([headRow(names, colors.dim), ...rows]).join("\n")}\n`);
  if (next !== null) await out.write(`${colors.dim(`and more: add --after ${next}`)}\n`);
  return EXIT.ok;
}

function row(work: PendingWork, named: boolean, paint: Paint): Cell[] {
  const { conversation } = work;
  return [
    String(work.work_sequence),
    localTime(new Date(work.stored_at)),
    work.role,
    harmless(work.id ?? "(no message)"),
    ...(named ? [typeof conversation === "string" ? harmless(conversation) : ""] : []),
    stateCell(work, paint),
  ];
}

function stateCell(work: PendingWork, paint: Paint): Cell {
  const { state, agent_id, attempt, since, silent_since } = work;
  if (state === "waiting") return { text: "waiting", color: paint.cyan };
  const forMs = since === null ? undefined : Math.max(0, Date.now() - Date.parse(since));
  const time = forMs === undefined ? "" : `, for ${span(forMs)}`;
  const text = `running: agent ${agent_id}, attempt ${attempt}${time}`;
  if (silent_since === null) return { text, color: paint.blue };
  const silent = span(Math.max(0, Date.now() - Date.parse(silent_since)));
  return { text: `${text}, silent for ${silent}`, color: paint.yellow };
}
