import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type Connection, type LogRecord, readLog } from "@ourocodus/bus";
import { isUnfinished, type WorkTrace } from "@ourocodus/ops";
import { outcomeSubjects, RoleId } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { timeoutFlag } from "./flag_values.ts";
import { connectNats, ensureLog } from "./nats.ts";
import { printResult } from "./print_result.ts";
import { isErrorResult, recordJson } from "./record_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import {
  checkWork,
  nameOf,
  placeOf,
  traceAsked,
  tracedResult,
  unknownWork,
  workFlags,
} from "./work_item.ts";

/** `work wait`: waits for the results of work that was sent before. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (ids, flags) => done(await workWait(ids, flags, console)));
}

function declare() {
  return workFlags(new Command())
    .description(
      "Waits for the results of work that was sent before, by anyone, and prints them. A result " +
        "that is there already is printed at once.",
    )
    .argument("<id...>", "the work item's id, or its sequence in the queue")
    .option("--timeout <duration>", "how long to wait for all of them (default: forever)")
    .option("--json", "print a line of JSON per result, like tail results --json")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "work wait task-17",
        "work wait task-17 task-18 -s docs --timeout 1h",
        "work wait task-17 --json | jq .message.payload",
      ], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `Results are printed as they come, like "result" prints them: the text on standard
output, everything else on standard error. If several work items have an id, the newest is taken.

The command exits with 0 if all have a result; with 1 if one has failed, was cancelled, or is not
known; with 3 if the time is over before.`;

/** Runs the command. @throws {UsageError} If an id or a flag cannot be used. */
async function workWait(
  ids: readonly string[],
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const asked = [...new Set(ids)];
  for (const id of asked) checkWork(id, flags);
  const { timeout } = flags;
  const timeoutMs = timeout === undefined ? undefined : timeoutFlag("--timeout", timeout);
  await using connection = await connectNats(console, { url: flags.nats });
  const { signal } = console;
  const expired = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => expired.abort(), timeoutMs);
  try {
    // From before it is asked where the work is, so that no outcome comes between the two.
    const logEnd = await ensureLog(console, connection);
    const traces = await traceAsked(connection, asked, flags, { limit: 1, signal });
    const outcomes = new Outcomes(connection, flags, console);
    for (const [index, [trace]] of traces.entries()) {
      await outcomes.add(asked[index] ?? "", trace);
    }
    await outcomes.wait(logEnd, AbortSignal.any([signal, expired.signal]));
    if (signal.aborted) return EXIT.interrupted;
    return await outcomes.end(timeout);
  } finally {
    clearTimeout(timer);
  }
}

/** The work of one role that has no outcome yet, by its sequence. */
interface OpenRole {
  readonly role: string;
  readonly session_id: string;
  readonly works: Map<number, WorkTrace>;
}

/** Prints outcomes, and knows what is still open. */
class Outcomes {
  readonly #connection: Connection;
  readonly #flags: Flags;
  readonly #console: Console;
  readonly #open = new Map<string, OpenRole>();
  #failed = false;

  constructor(connection: Connection, flags: Flags, console: Console) {
    this.#connection = connection;
    this.#flags = flags;
    this.#console = console;
  }

  /** Prints the outcome, or why there will be none, or has it waited for. */
  async add(asked: string, trace: WorkTrace | undefined): Promise<void> {
    if (trace === undefined) return await this.#fail(unknownWork(asked, this.#flags));
    const { session_id, role, work_sequence, state } = trace;
    if (isUnfinished(state)) {
      const { key } = new RoleId(session_id, role);
      const open = this.#open.get(key) ?? { session_id, role, works: new Map() };
      open.works.set(work_sequence, trace);
      this.#open.set(key, open);
      return;
    }
    const record = await tracedResult(this.#connection, trace);
    if (record !== undefined) return await this.#print(record);
    await this.#fail(`${nameOf(trace)} is ${state}, and no result of it is kept (any more)`);
  }

  /** Prints outcomes as they come, until all are there. */
  async wait(logEnd: number, signal: AbortSignal): Promise<void> {
    const options = { fromSequence: logEnd + 1, follow: true, signal };
    await Promise.all([...this.#open.values()].map(async ({ session_id, role, works }) => {
      const subjects = outcomeSubjects(session_id, role);
      for await (const record of readLog(this.#connection, subjects, options)) {
        if (record.work === undefined || !works.delete(record.work.sequence)) continue;
        await this.#print(record);
        if (works.size === 0) return;
      }
    }));
  }

  /** Tells what has not come. */
  async end(timeout = ""): Promise<ExitCode> {
    const missing = [...this.#open.values()].flatMap(({ works }) => [...works.values()]);
    for (const work of missing) {
      await this.#console.err.write(
        `error: ${nameOf(work)} has no result within ${timeout} (${placeOf(work)}); ` +
          `"ourocodus trace --sequence ${work.work_sequence}" tells where it is\n`,
      );
    }
    if (missing.length > 0) return EXIT.timeout;
    return this.#failed ? EXIT.failed : EXIT.ok;
  }

  async #print(record: LogRecord): Promise<void> {
    if (isErrorResult(record)) this.#failed = true;
    if (this.#flags.json) await this.#console.out.write(`${recordJson(record)}\n`);
    else await printResult(record, { named: true }, this.#console);
  }

  async #fail(reason: string): Promise<void> {
    this.#failed = true;
    await this.#console.err.write(`error: ${reason}\n`);
  }
}
