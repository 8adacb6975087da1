import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  FINISHED_STATES,
  lastHolder,
  type LogItem,
  type TraceStep,
  type WorkTrace,
} from "@ourocodus/ops";
import { resultHeadline, resultText } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { connectToLog } from "./nats.ts";
import { reportText } from "./record_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { type Cell, table } from "./table.ts";
import {
  count,
  harmless,
  harmlessLines,
  jsonLine,
  localTime,
  type Paint,
  paint,
  span,
} from "./terminal_text.ts";
import {
  checkWork,
  nameOf,
  placeOf,
  stateWord,
  traceAsked,
  unknownWork,
  workFlags,
} from "./work_item.ts";

/** `trace`: tells where a work item is. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, flags) => done(await trace(id, flags, console)));
}

function declare() {
  return workFlags(new Command())
    .description("Tells where a work item is: stored, at which agent, its progress, its result.")
    .argument("<id>", "the work item's id, or its sequence in the queue")
    .option("--full", "print all progress, and payloads in full")
    .option("--json", "print a line of JSON per work item with this id, the newest first")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "trace task-17",
        "trace task-17 -s docs --json | jq .state",
        "trace --sequence 42 --full",
      ], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `States: waiting, running (in JSON: in_hand), done, failed, dead (it is not tried
again), cancelled, and gone: neither in the queue, nor is its outcome kept.

The answer is put together from the log, the queue and the relays. The command exits with 1 if no
such work item is known.`;

/** Characters of a payload that are shown without --full. */
const SHOWN = 400;
/** Steps of progress that are shown without --full: the newest. */
const SHOWN_PROGRESS = 5;

/** Runs the command. @throws {UsageError} If the id or a flag cannot be used. */
async function trace(id: string, flags: Flags, console: Console): Promise<ExitCode> {
  checkWork(id, flags);
  await using connection = await connectToLog(console, flags);
  const { signal } = console;
  const [traces = []] = await traceAsked(connection, [id], flags, { signal });
  if (traces.length === 0) {
    await console.err.write(`error: ${unknownWork(id, flags)}\n`);
    return EXIT.failed;
  }
  if (flags.json) {
    for (const found of traces) await console.out.write(jsonLine(found));
    return EXIT.ok;
  }
  const colors = paint(console.out.hasColor);
  const [newest, ...others] = traces;
  if (newest !== undefined) {
    await console.out.write(`${traceText(newest, flags.full === true, colors).join("\n")}\n`);
  }
  for (const other of others) {
    const line = `Older, with the same id: ${placeOf(other)}, ${stateWord(other.state)}`;
    await console.out.write(`${colors.dim(line)}\n`);
  }
  return EXIT.ok;
}

function traceText(trace: WorkTrace, full: boolean, paint: Paint): string[] {
  const { note, message, text, result, conversation } = trace;
  const work = text ?? message?.payload ?? "no longer kept";
  const more = furtherFields(message);
  const part = (name: string, whole: readonly string[], short: string) =>
    full ? ["", name, ...whole] : [`${paint.dim(name.padEnd(6))}  ${short}`];
  return [
    `${paint.bold(nameOf(trace))}  ${stateText(trace, paint)}`,
    paint.dim(placeOf(trace) + (conversation === null ? "" : `, conversation ${conversation}`)),
    ...(note === null ? [] : [paint.yellow(harmless(note))]),
    "",
    ...table(historyRows(trace.history, full, paint)),
    ...(full ? [] : [""]),
    ...part("work", wholeLines(work), shown(work)),
    ...(more === undefined ? [] : part("fields", wholeLines(more), shown(more))),
    ...(result === null ? [] : part("result", wholeResult(result), shown(resultLine(result)))),
    ...retryTexts(trace).map(paint.dim),
  ];
}

function stateText({ state, agent_id, attempts, history }: WorkTrace, paint: Paint): string {
  switch (state) {
    case "waiting":
      return lastHolder(history) === undefined
        ? paint.cyan("waiting in the queue")
        : paint.yellow(`handed to agent ${agent_id}, attempt ${attempts}; no relay says it has it`);
    case "in_hand":
      return paint.blue(`running: agent ${agent_id}, attempt ${attempts}`);
    case "done":
      return paint.green("done");
    case "failed":
      return paint.red("failed");
    case "dead":
      return paint.red("dead: it is not tried again");
    case "cancelled":
      return paint.yellow("cancelled");
    case "gone":
      return paint.yellow("gone");
  }
}

/** All steps; of much progress only the newest, and how much came before. */
function historyRows(history: readonly TraceStep[], full: boolean, paint: Paint): Cell[][] {
  const progress = history.filter(({ type }) => type === "progress");
  const hidden = new Set(full ? [] : progress.slice(0, -SHOWN_PROGRESS));
  return history.flatMap((step, index) => {
    if (!hidden.has(step)) return [stepRow(step, history[index - 1], full, paint)];
    if (step !== progress[0]) return [];
    const times = count(hidden.size);
    const time = localTime(new Date(step.time));
    return [[time, "", "progress", paint.dim(`${times} times, the first here; --full shows all`)]];
  });
}

const STEPS: Readonly<Record<string, string>> = {
  "work.stored": "stored",
  "work.offered": "handed to",
  "work.redelivered": "handed again to",
  "work.waiting": "waits for",
  "work.silent": "nothing heard from",
  "work.returned": "released by",
  "work.cancelled": "cancelled",
  "work.dead": "dead-lettered",
  "result.duplicate": "second result refused, of",
  "question.asked": "asks",
  "question.answered": "is answered",
  "question.expired": "nobody answers",
  "dead_letter": "dead letter",
};

function stepRow(
  step: TraceStep,
  before: TraceStep | undefined,
  full: boolean,
  paint: Paint,
): string[] {
  const { type, agent_id, attempt, reason, error, charged, not_before, payload } = step;
  const since = before && Date.parse(step.time) - Date.parse(before.time);
  const isWork = type.startsWith("work.");
  const about = [
    isWork || type === "result.duplicate" ? agent_id : undefined,
    isWork && attempt !== undefined ? `attempt ${attempt}` : undefined,
    error ?? reason,
    charged === false ? "not charged" : undefined,
    not_before === undefined ? undefined : `until ${localTime(new Date(not_before))}`,
    payload === undefined ? undefined : full ? JSON.stringify(payload) : shown(reportText(payload)),
  ].filter((part) => part !== undefined).join(", ");
  return [
    paint.dim(localTime(new Date(step.time))),
    since === undefined || since <= 0 ? "" : paint.dim(`+${span(since)}`),
    harmless(STEPS[type] ?? type),
    harmless(about),
  ];
}

/** Which work it sends again, as which it was sent again, and else how to. */
function retryTexts({ retry_of, retried_as, state, work_sequence }: WorkTrace): string[] {
  const canRetry = retried_as === null && FINISHED_STATES.some((each) => each === state);
  return [
    ...(retry_of === null ? [] : [`it is a retry of sequence ${retry_of}`]),
    ...(retried_as === null ? [] : [`it was sent again as sequence ${retried_as}`]),
    ...(canRetry ? [`to send it again: ourocodus work retry --sequence ${work_sequence}`] : []),
  ];
}

/** What the message has next to its id, type and payload; undefined if it has nothing else. */
function furtherFields(message: WorkTrace["message"]): object | undefined {
  const { id: _, type: __, payload: ___, conversation: ____, ...more } = message ?? {};
  return Object.keys(more).length === 0 ? undefined : more;
}

/** A result in short: its first line, or all of it where it has no text. */
function resultLine({ type, payload, text }: LogItem): unknown {
  if (payload === null) return text;
  return type === "error" ? payload : resultHeadline(payload);
}

/** The text of the result, then its whole payload. */
function wholeResult({ payload, text }: LogItem): string[] {
  if (payload === null) return wholeLines(text ?? "");
  const said = resultText(payload);
  return said.isJson
    ? wholeLines(payload)
    : [...wholeLines(said.text.trimEnd()), "", "payload", ...wholeLines(payload)];
}

function wholeLines(value: unknown): string[] {
  const text = typeof value === "string" ? value : JSON.stringify(value, undefined, 2) ?? "";
  return harmlessLines(text, false).split("\n").map((line) => `  ${line}`.trimEnd());
}

function shown(value: unknown): string {
  const text = harmless(typeof value === "string" ? value : JSON.stringify(value) ?? "");
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
