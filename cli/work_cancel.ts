import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  type Cancellation,
  type CancelledWork,
  cancelTraced,
  MAX_REASON_CHARACTERS,
  traceWorks,
  type WorkState,
} from "@ourocodus/ops";
import type { CancelledHolder } from "@ourocodus/protocol";
import pLimit from "p-limit";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { connectNats, ensureLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, harmlessJson, paint } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";
import { unknownWork, workPlace, workQuery } from "./work_query.ts";

/** `work cancel`: an outcome for work that has none. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (ids, flags) => done(await workCancel(ids, flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Cancels work that has no outcome yet, and tells where it was: in the queue, from which it " +
        "is removed, or in the hands of an agent, which is told to stop.",
    )
    .argument("<id...>", "the work's id; with --sequence its sequence in the queue")
    .addOption(sessionFlag("only work of this session"))
    .addOption(roleFlag("only work of this role"))
    .option("--sequence", "take the arguments for sequences")
    .option("--reason <text>", "why; it stands in the error result, at most 500 characters")
    .option("--json", "a line of JSON for each argument")
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
  `Whoever waits for the result gets an error with the code "cancelled". An agent that speaks the
plain protocol cannot be told: it works on, and its result is refused. It ends with 1 if anything
was not cancelled: it is finished already, several pieces of work have the id, or nothing is known
of it.`;

/** Most of the time is spent waiting for relays to say that they have it. */
const AT_ONCE = 16;

/**
 * Runs the command.
 *
 * @param ids Each gets a receipt, in this order.
 * @throws {UsageError} If an id or a flag cannot be used; nothing is cancelled then.
 */
async function workCancel(
  ids: readonly string[],
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const options = { ...workPlace(flags), reason: reasonOf(flags), signal: console.signal };
  const queries = ids.map((asked) => workQuery(asked, flags));
  await using connection = await connectNats(console, { url: flags.nats });
  await ensureLog(console, connection);
  const traces = await traceWorks(connection, queries, options);
  const limited = pLimit(AT_ONCE);
  const running = ids.map((asked, index) => ({
    asked,
    cancellation: limited(() => cancelTraced(connection, traces[index] ?? [], options)),
  }));
  // One that fails is told when its turn comes.
  for (const { cancellation } of running) cancellation.catch(() => {});
  let code: ExitCode = EXIT.ok;
  for (const { asked, cancellation } of running) {
    const done = await cancellation;
    if (done.kind !== "cancelled") code = EXIT.failed;
    if (flags.json) await console.out.write(`${receiptJson(asked, done)}\n`);
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

/** What was asked for, and what became of it, in one object. */
function receiptJson(asked: string, done: Cancellation): string {
  if (done.kind === "unknown" || done.kind === "ambiguous") {
    return harmlessJson(JSON.stringify({ asked, ...done }));
  }
  const { kind, work, ...rest } = done;
  return harmlessJson(JSON.stringify({ asked, kind, ...work, ...rest }));
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
    const receipt = `${harmless(nameOf(work))} cancelled: ${harmless(where)}`;
    return await console.out.write(`${green("✓")} ${receipt} ${dim(`(${placeOf(work)})`)}\n`);
  }
  await console.err.write(`error: ${refusal(asked, done, flags)}\n`);
}

const WITHOUT_HOLDER = {
  waiting: "it was waiting, and is removed from the queue",
  in_hand: "an agent had it, but no relay says that it is told; a result of it is refused",
} as const;

function holderText({ agent_id, relay_id, attempt, told, away }: CancelledHolder): string {
  const who = `agent ${agent_id} (relay ${relay_id}) had it, attempt ${attempt}`;
  if (told) return `${who}, and is told to stop`;
  return away
    ? `${who}, but has lost its connection; its result is refused if it comes back with one`
    : `${who}; it speaks the plain protocol and cannot be told to stop, its result is refused`;
}

function refusal(
  asked: string,
  done: Exclude<Cancellation, { kind: "cancelled" }>,
  flags: Flags,
): string {
  switch (done.kind) {
    case "finished":
      return `${harmless(nameOf(done.work))} ${FINISHED[done.state]}; nothing was cancelled ` +
        `(${placeOf(done.work)})`;
    case "ambiguous": {
      const { works } = done;
      const lines = works.map(({ work_sequence, session_id, role }) =>
        `\n  work cancel --sequence ${work_sequence}  (session ${session_id}, role ${role})`
      );
      return `${works.length} pieces of work with the id ${harmless(asked)} have no outcome yet; ` +
        `--sequence says which is meant:${lines.join("")}`;
    }
    case "unknown":
      return unknownWork(asked, flags);
  }
}

/** Why there is nothing to cancel any more. */
const FINISHED: Readonly<Record<WorkState, string>> = {
  done: "is done already: it has a result",
  failed: "has failed already: it has an error result",
  dead: "was given up on already",
  cancelled: "was cancelled already",
  gone: "is not in the queue any more, and no outcome of it is kept",
  // The log tells a moment later which.
  waiting: "has got its outcome just now",
  in_hand: "has got its outcome just now",
};

function nameOf({ id, work_sequence }: CancelledWork): string {
  return id ?? `work ${work_sequence}`;
}

function placeOf({ session_id, role, work_sequence }: CancelledWork): string {
  return `session ${session_id}, role ${role}, sequence ${work_sequence}`;
}
