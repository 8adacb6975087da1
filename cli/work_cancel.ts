import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  type Cancellation,
  cancelTraced,
  MAX_REASON_CHARACTERS,
  type WorkState,
} from "@ourocodus/ops";
import type { CancelledHolder } from "@ourocodus/protocol";
import pLimit from "p-limit";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { optionalPlace } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, jsonLine, paint } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";
import { checkWork, nameOf, placeOf, traceAsked, unknownWork, workFlags } from "./work_item.ts";

/** `work cancel`: gives an outcome to work that has none. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (ids, flags) => done(await workCancel(ids, flags, console)));
}

function declare() {
  return workFlags(new Command())
    .description(
      "Cancels work that has no outcome yet. Waiting work is removed from the queue; an agent that " +
        "runs it is told to stop.",
    )
    .argument("<id...>", "the work item's id, or its sequence in the queue")
    .option("--reason <text>", "why, for the error result; at most 500 characters")
    .option("--json", "print a line of JSON per argument")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "work cancel task-17",
        "work cancel task-17 task-18 -s docs --reason 'not needed any more'",
        "work cancel --sequence 42 --json | jq .kind",
      ], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES =
  `Anyone who waits for the result gets an error with the code "cancelled". An agent that
speaks the plain protocol cannot be told to stop: it finishes, and its result is refused.

The command exits with 1 if any argument was not cancelled: the work item has an outcome, several
work items have the id, or none is known.`;

/** Cancellations at once; each mostly waits for relays to answer. */
const MAX_AT_ONCE = 16;

/**
 * Runs the command: each id gets a receipt, in the order of the command line.
 *
 * @throws {UsageError} If an id or a flag cannot be used; nothing is cancelled then.
 */
async function workCancel(
  ids: readonly string[],
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const options = { ...optionalPlace(flags), reason: reasonOf(flags), signal: console.signal };
  for (const asked of ids) checkWork(asked, flags);
  await using connection = await connectToLog(console, flags);
  const traces = await traceAsked(connection, ids, flags, { signal: console.signal });
  const limited = pLimit(MAX_AT_ONCE);
  const running = ids.map((asked, index) => ({
    asked,
    cancellation: limited(() => cancelTraced(connection, traces[index] ?? [], options)),
  }));
  // A failure is told when its turn comes.
  for (const { cancellation } of running) cancellation.catch(() => {});
  let code: ExitCode = EXIT.ok;
  for (const { asked, cancellation } of running) {
    const done = await cancellation;
    if (done.kind !== "cancelled") code = EXIT.failed;
    if (flags.json) await console.out.write(jsonLine(receipt(asked, done)));
    else await tell(asked, done, flags, console);
    if (console.signal.aborted) return EXIT.interrupted;
  }
  return code;
}

function reasonOf({ reason }: Flags): string | undefined {
  const length = reason?.length ?? 0;
  if (length <= MAX_REASON_CHARACTERS) return reason;
  throw new UsageError(
    `--reason has ${length} characters, at most ${MAX_REASON_CHARACTERS} are allowed`,
  );
}

/** For --json: what was asked for, and what became of it. */
function receipt(asked: string, done: Cancellation): unknown {
  if (done.kind === "unknown" || done.kind === "ambiguous") return { asked, ...done };
  const { kind, work, ...rest } = done;
  return { asked, kind, ...work, ...rest };
}

async function tell(
  asked: string,
  done: Cancellation,
  flags: Flags,
  console: Console,
): Promise<void> {
  if (done.kind === "cancelled") {
    const { green, dim } = paint(console.out.hasColor);
    const { work, holder } = done;
    const where = holder === null ? WITHOUT_HOLDER[done.was] : holderText(holder);
    const text = `${nameOf(work)} cancelled: ${harmless(where)}`;
    return await console.out.write(`${green("✓")} ${text} ${dim(`(${placeOf(work)})`)}\n`);
  }
  await console.err.write(`error: ${refusal(asked, done, flags)}\n`);
}

const WITHOUT_HOLDER = {
  waiting: "it was waiting, and is removed from the queue",
  in_hand: "it was running, but no relay confirms that its agent is told; its result is refused",
} as const;

function holderText({ agent_id, relay_id, attempt, told, away }: CancelledHolder): string {
  const who = `it was running at agent ${agent_id} (relay ${relay_id}), attempt ${attempt}`;
  if (told) return `${who}, which is told to stop`;
  return away
    ? `${who}, which has lost its connection; if it returns, its result is refused`
    : `${who}, which speaks the plain protocol and cannot be told to stop; its result is refused`;
}

function refusal(
  asked: string,
  done: Exclude<Cancellation, { kind: "cancelled" }>,
  flags: Flags,
): string {
  switch (done.kind) {
    case "finished":
      return `${nameOf(done.work)} ${FINISHED[done.state]}; nothing was cancelled ` +
        `(${placeOf(done.work)})`;
    case "ambiguous": {
      const { works } = done;
      const lines = works.map(({ work_sequence, session_id, role }) =>
        `\n  ourocodus work cancel --sequence ${work_sequence}  (session ${session_id}, role ${role})`
      );
      return `${works.length} work items with the id ${harmless(asked)} have no outcome yet; ` +
        `say which:${lines.join("")}`;
    }
    case "unknown":
      return unknownWork(asked, flags);
  }
}

/** Why there is nothing to cancel any more. */
const FINISHED: Readonly<Record<WorkState, string>> = {
  done: "is done already: it has a result",
  failed: "has failed already: it has an error result",
  dead: "is dead already: it is not tried again",
  cancelled: "was cancelled already",
  gone: "is not in the queue any more, and no outcome of it is kept",
  // A moment later, the log tells which.
  waiting: "has just got its outcome",
  in_hand: "has just got its outcome",
};
