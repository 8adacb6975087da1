import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { extendWork } from "@ourocodus/ops";
import { MAX_WORK_LIMIT_MS, parseDurationMs } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { connectToLog } from "./nats.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, jsonLine, localTime, paint } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";
import { checkWork, nameOf, placeOf, traceAsked, unknownWork, workFlags } from "./work_item.ts";

/** `work extend`: gives running work more time. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, time, flags) => {
    done(await workExtend(id, time, flags, console));
  });
}

function declare() {
  return workFlags(new Command())
    .description("Gives work that an agent runs more time.")
    .argument("<id>", "the work item's id, or its sequence in the queue")
    .argument("<time>", "how much more: 30s, 10m, 1h, 2d; at most 30d")
    .option("--json", "print a line of JSON")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["work extend task-17 1h", "work extend --sequence 42 30m -s docs"], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `Its deadline, if it has one, is that much later; and for so long its agent need not
say anything about it. The command exits with 1 if no agent has the work.`;

/** Runs the command. @throws {UsageError} If an argument or a flag cannot be used. */
async function workExtend(
  asked: string,
  time: string,
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const ms = parseDurationMs(time) ?? 0;
  if (ms < 1 || ms > MAX_WORK_LIMIT_MS) {
    throw new UsageError(
      `<time> is ${JSON.stringify(time)}, it must be a duration like 10m or 1h, up to 30d`,
    );
  }
  checkWork(asked, flags);
  await using connection = await connectToLog(console, flags);
  const { signal, out, err } = console;
  const [[found] = []] = await traceAsked(connection, [asked], flags, { signal });
  if (found === undefined) {
    await err.write(`error: ${unknownWork(asked, flags)}\n`);
    return EXIT.failed;
  }
  const extended = await extendWork(connection, found, ms);
  if (extended === undefined) {
    const text = `${nameOf(found)} gets no more time: no relay says that an agent has it (${
      placeOf(found)
    })`;
    await err.write(`error: ${text}\n`);
    return EXIT.failed;
  }
  const { agent_id, attempt, deadline } = extended;
  if (flags.json) {
    const { work_sequence, session_id, role, id } = found;
    await out.write(jsonLine({ work_sequence, session_id, role, id, ...extended }));
    return EXIT.ok;
  }
  const { green, dim } = paint(out.hasColor);
  const until = deadline === undefined ? "" : `, its deadline is ${localTime(new Date(deadline))}`;
  const text = `${nameOf(found)} has ${time} more at agent ${
    harmless(agent_id)
  }, attempt ${attempt}`;
  await out.write(`${green("✓")} ${text}${until} ${dim(`(${placeOf(found)})`)}\n`);
  return EXIT.ok;
}
