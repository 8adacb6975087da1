import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type Connection, streamSettings } from "@ourocodus/bus";
import {
  FINISHED_STATES,
  type FinishedFilter,
  type FinishedState,
  finishedWork,
  retryFinished,
  type RetryOptions,
  retryTraced,
} from "@ourocodus/ops";
import { RoleId } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { countFlag, durationFlag, optionalPlace, waitFlags } from "./flag_values.ts";
import { connectNats, ensureLog } from "./nats.ts";
import { printResult } from "./print_result.ts";
import { isErrorResult, recordJson } from "./record_text.ts";
import { connectedAgents, tellNobodyThere } from "./sending.ts";
import { helpEnd, NATS_FLAG, WAIT_TIMEOUT_FLAG } from "./shared_flags.ts";
import { type AskedRetry, type SentAgain, tellAll } from "./tell_retries.ts";
import { count, span } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";
import { waitForResults } from "./wait_for_results.ts";
import { checkWork, traceAsked, unknownWork, type WorkFlags, workFlags } from "./work_item.ts";

/** `work retry`: sends finished work again. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (ids, flags) => done(await workRetry(ids, flags, console)));
}

function declare() {
  return workFlags(new Command())
    .description("Sends finished work again, unchanged, as new work with the same id.")
    .argument("[id...]", "the work item's id, or its sequence in the queue")
    .option("--failed", "all work that has failed")
    .option("--dead", "all dead work")
    .option("--cancelled", "all cancelled work")
    .option("--since <duration>", "with these: what ended at most this long ago, like 1h")
    .option(
      "-n, --limit <count>",
      `with these: how many, ${MAX_WORKS} at most (default: ${MAX_WORKS})`,
    )
    .option("--again", "with ids: also work that was sent again before")
    .option("--dry-run", "only tell what would be sent")
    .option("-w, --wait", "wait for the results, and print them")
    .option(...WAIT_TIMEOUT_FLAG)
    .option("--json", "print a line of JSON per work item")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "work retry task-17",
        "work retry task-17 task-18 -s docs --wait",
        "work retry --failed --since 1h -s docs --dry-run",
        "work retry --failed --dead --since 1h --json | jq .retried_as",
      ], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

/** How much work is sent at most by a filter. */
const MAX_WORKS = 1_000;

const NOTES =
  `The message comes from the log's copy, or from the dead letter if the log has lost the copy. If
several work items of one role have an id, the newest is meant. Work that waits or runs is refused,
and work that was sent again before needs --again; so two people who retry the same work at once send
it once.

--failed, --dead and --cancelled send the work that was not sent again yet, oldest first, at most
--limit work items. The same command then sends the next ones.

With --json each line has "kind": retried, ready (--dry-run), already, unfinished, refused, ambiguous
or unknown. "work_sequence" is the finished work's sequence, "retried_as" the new one's. With --wait
results follow, as "tail results --json" prints them. The exit code is 1 if anything was not sent.`;

/**
 * Runs the command.
 *
 * @throws {UsageError} If an id or a flag cannot be used; nothing is sent then.
 */
async function workRetry(
  ids: readonly string[],
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const filter = filterOf(ids, flags);
  if (flags.wait && flags.dryRun) {
    throw new UsageError("--wait has nothing to wait for with --dry-run");
  }
  const waitMs = waitFlags(flags);
  for (const id of ids) checkWork(id, flags);
  await using connection = await connectNats(console, { url: flags.nats });
  // From before, so that no result comes between sending and waiting.
  const logEnd = await ensureLog(console, connection);
  const all = filter === undefined
    ? retryAsked(connection, ids, flags, console)
    : retryFiltered(connection, filter, flags, console);
  const { code, sent } = await tellAll(all, flags, console);
  if (console.signal.aborted) return EXIT.interrupted;
  if (!flags.json) await tellNobody(connection, sent, console);
  if (waitMs === undefined) return code;
  return worse(code, await printResults(connection, sent, { logEnd, waitMs, ...flags }, console));
}

function filterOf(ids: readonly string[], flags: Flags): FinishedFilter | undefined {
  const states = FINISHED_STATES.filter((state) => flags[state]);
  if ((ids.length > 0) === (states.length > 0)) {
    throw new UsageError("give either ids, or some of --failed, --dead and --cancelled");
  }
  const { since, limit } = flags;
  if (states.length === 0) {
    const flag = since === undefined ? limit === undefined ? undefined : "--limit" : "--since";
    if (flag !== undefined) {
      throw new UsageError(`${flag} is for --failed, --dead and --cancelled, not for ids`);
    }
    return undefined;
  }
  if (flags.again) throw new UsageError("--again is for ids: name the work");
  if (since === undefined) throw new UsageError(`--${states[0]} needs --since, like --since 1h`);
  return {
    ...optionalPlace(flags),
    states,
    since: new Date(Date.now() - durationFlag("--since", since)),
    limit: limit === undefined
      ? MAX_WORKS
      : countFlag("--limit", limit, { min: 1, max: MAX_WORKS }),
  };
}

async function* retryAsked(
  connection: Connection,
  ids: readonly string[],
  flags: WorkFlags & Pick<RetryOptions, "again" | "dryRun">,
  { env, signal }: Console,
): AsyncGenerator<AskedRetry> {
  const { again, dryRun } = flags;
  const options = { again, dryRun, limits: streamSettings(env), signal };
  // A sequence is found without reading all of the log.
  const limit = flags.sequence ? 1 : undefined;
  const traces = await traceAsked(connection, ids, flags, { limit, signal });
  for (const [index, asked] of ids.entries()) {
    const done = await retryTraced(connection, traces[index] ?? [], options);
    yield { asked, done, unknown: unknownWork(asked, flags) };
  }
}

/** Sends again what a filter finds, and says if there is more. */
export async function* retryFiltered(
  connection: Connection,
  filter: FinishedFilter,
  { dryRun }: Pick<RetryOptions, "dryRun">,
  { env, err, out, signal }: Console,
): AsyncGenerator<AskedRetry> {
  const { session, role, states } = filter;
  const { works, more } = await finishedWork(connection, { ...filter, signal });
  if (works.length === 0) await err.write(`no ${wordsOf(states)} work to send again\n`);
  const options = { session, role, dryRun, limits: streamSettings(env), signal };
  let sent = 0;
  for await (const done of retryFinished(connection, works, options)) {
    if (done.kind === "retried" || done.kind === "ready") sent++;
    yield { done };
  }
  await out.flush();
  if (more) {
    const what = dryRun ? "would be sent" : "sent";
    await err.write(
      `${count(sent)} ${what}, and there is more: the limit is ${count(works.length)} at a time. ` +
        "The same command sends the next ones\n",
    );
  }
}

function wordsOf(states: readonly FinishedState[]): string {
  return [states.slice(0, -1).join(", "), ...states.slice(-1)].filter(Boolean).join(" or ");
}

/** What was sent to a role. */
interface SentToRole {
  readonly session: string;
  readonly role: string;
  readonly sequences: Set<number>;
}

function sentByRole(sent: readonly SentAgain[]): SentToRole[] {
  const roles = new Map<string, SentToRole>();
  for (const { work: { session_id: session, role }, sent: { sequence } } of sent) {
    const { key } = new RoleId(session, role);
    const known = roles.get(key) ?? { session, role, sequences: new Set() };
    roles.set(key, known);
    known.sequences.add(sequence);
  }
  return [...roles.values()];
}

async function tellNobody(
  connection: Connection,
  sent: readonly SentAgain[],
  console: Console,
): Promise<void> {
  for (const target of sentByRole(sent)) {
    const connected = await connectedAgents(connection, target, console.signal);
    await tellNobodyThere(connected, target, console);
  }
}

interface Awaiting {
  /** The log's newest sequence, from before anything was sent. */
  readonly logEnd: number;
  /** The longest wait for a further result, in milliseconds. */
  readonly waitMs: number;
  readonly json?: boolean;
}

/** Prints results as they come. */
async function printResults(
  connection: Connection,
  sent: readonly SentAgain[],
  { logEnd, waitMs, json }: Awaiting,
  console: Console,
): Promise<ExitCode> {
  const { signal, out, err } = console;
  let code: ExitCode = EXIT.ok;
  const roles = sentByRole(sent);
  await Promise.all(roles.map(async ({ sequences, ...target }) => {
    const options = { beginning: { fromSequence: logEnd + 1 }, timeoutMs: waitMs, signal };
    for await (const record of waitForResults(connection, target, { sequences, ...options })) {
      if (isErrorResult(record)) code = EXIT.failed;
      if (json) await out.write(`${recordJson(record)}\n`);
      else await printResult(record, { named: true }, console);
    }
  }));
  if (signal.aborted) return EXIT.interrupted;
  const missing = roles.flatMap(({ sequences }) => [...sequences]);
  if (missing.length === 0) return code;
  await err.write(
    `error: no further result within ${span(waitMs)}: ${count(missing.length)} missing, their ` +
      `work is stored; "ourocodus work wait --sequence ${missing.slice(0, SHOWN).join(" ")}` +
      `${missing.length > SHOWN ? " …" : ""}" waits on\n`,
  );
  return EXIT.timeout;
}

const SHOWN = 10;

/** Of two exit codes the one that says more. */
function worse(one: ExitCode, other: ExitCode): ExitCode {
  return other === EXIT.ok ? one : other;
}
