import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type LogItem, type TraceStep, traceWork, type WorkTrace } from "@ourocodus/ops";
import { resultHeadline, resultText } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { connectNats, ensureLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { progressText } from "./record_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { type Cell, table } from "./table.ts";
import {
  count,
  harmless,
  harmlessJson,
  harmlessLines,
  localTime,
  type Paint,
  paint,
  span,
} from "./terminal_text.ts";
import { unknownWork, workPlace, workQuery } from "./work_query.ts";

/** `trace`: where is a piece of work? */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, flags) => done(await trace(id, flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Tells where a piece of work is: stored, handed to which agent, its progress, its result.",
    )
    .argument("<id>", "the work's id; with --sequence its sequence in the queue")
    .addOption(sessionFlag("only work of this session"))
    .addOption(roleFlag("only work of this role"))
    .option("--sequence", "take the argument for a sequence")
    .option("--full", "all of its progress, and payloads in full")
    .option("--json", "a line of JSON for each piece of work with this id, the newest first")
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

const NOTES = `States: waiting, in_hand, done, failed, dead (given up on), cancelled, gone (not in
the queue, and no outcome is kept). Nothing is told but what log, queue and relays say. It ends with
1 if nothing is known of the id.`;

/** Of a payload as much is shown without --full, in characters. */
const SHOWN = 400;
/** Of progress as many steps are shown without --full, the newest. */
const SHOWN_PROGRESS = 5;

/** Runs the command. @throws {UsageError} If the id or a flag cannot be used. */
async function trace(id: string, flags: Flags, console: Console): Promise<ExitCode> {
  const place = workPlace(flags);
  const query = workQuery(id, flags);
  await using connection = await connectNats(console, { url: flags.nats });
  await ensureLog(console, connection);
  const { signal } = console;
  const traces = await traceWork(connection, query, { ...place, signal });
  if (traces.length === 0) {
    await console.err.write(`error: ${unknownWork(id, flags)}\n`);
    return EXIT.failed;
  }
  if (flags.json) {
    for (const found of traces) await console.out.write(`${harmlessJson(JSON.stringify(found))}\n`);
    return EXIT.ok;
  }
  const colors = paint(console.out.hasColor);
  const [newest, ...others] = traces;
  if (newest !== undefined) {
    await console.out.write(`${traceText(newest, flags.full === true, colors).join("\n")}\n`);
  }
  for (const other of others) {
    const { work_sequence, session_id, role, state } = other;
    const line =
      `Older, with the same id: sequence ${work_sequence}, ${session_id} / ${role}, ${state}`;
    await console.out.write(`${colors.dim(line)}\n`);
  }
  return EXIT.ok;
}

function traceText(trace: WorkTrace, full: boolean, paint: Paint): string[] {
  const { session_id, role, id, work_sequence, note, message, text, result } = trace;
  const work = text ?? message?.payload ?? "no longer kept";
  const name = harmless(id ?? `work ${work_sequence}`);
  return [
    `${paint.bold(name)}  ${stateText(trace, paint)}`,
    paint.dim(`session ${session_id}, role ${role}, sequence ${work_sequence}`),
    ...(note === null ? [] : [paint.yellow(harmless(note))]),
    "",
    ...table(historyRows(trace.history, full, paint)),
    "",
    ...(full ? ["work", ...wholeLines(work)] : [`${paint.dim("work  ")}  ${shown(work)}`]),
    ...(result === null ? [] : full ? ["", "result", ...wholeResult(result)] : [
      `${paint.dim("result")}  ${shown(resultLine(result))}`,
    ]),
    ...(trace.dead_letter === null ? [] : [deadText(trace, paint)]),
  ];
}

function stateText({ state, agent_id, attempts }: WorkTrace, paint: Paint): string {
  switch (state) {
    case "waiting":
      return paint.cyan("waiting: it is in the queue, no agent has it");
    case "in_hand":
      return paint.blue(`in hand: agent ${agent_id} has it, attempt ${attempts}`);
    case "done":
      return paint.green("done");
    case "failed":
      return paint.red("failed");
    case "dead":
      return paint.red("dead: it was given up on");
    case "cancelled":
      return paint.yellow("cancelled");
    case "gone":
      return paint.yellow("gone");
  }
}

/** All of them, or of much progress the newest, and how much came before. */
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
  "work.returned": "given back by",
  "work.cancelled": "cancelled",
  "work.dead": "given up on",
  "result.duplicate": "second result refused, of",
  "dead_letter": "dead letter",
};

function stepRow(
  step: TraceStep,
  before: TraceStep | undefined,
  full: boolean,
  paint: Paint,
): string[] {
  const { type, agent_id, attempt, reason, error, payload } = step;
  const since = before && Date.parse(step.time) - Date.parse(before.time);
  const isWork = type.startsWith("work.");
  const about = [
    isWork || type === "result.duplicate" ? agent_id : undefined,
    isWork && attempt !== undefined ? `attempt ${attempt}` : undefined,
    error ?? reason,
    payload === undefined
      ? undefined
      : full
      ? JSON.stringify(payload)
      : shown(progressText(payload)),
  ].filter((part) => part !== undefined).join(", ");
  return [
    paint.dim(localTime(new Date(step.time))),
    since === undefined || since <= 0 ? "" : paint.dim(`+${span(since)}`),
    harmless(STEPS[type] ?? type),
    harmless(about),
  ];
}

function deadText({ dead_letter, session_id }: WorkTrace, paint: Paint): string {
  if (dead_letter === null) return "";
  const { sequence, requeued_as } = dead_letter;
  return requeued_as === null
    ? paint.dim(`ourocodus dead requeue --session ${session_id} ${sequence}  sends it again`)
    : paint.dim(`it was sent again as sequence ${requeued_as}`);
}

/** What is shown of a result in short: its first line, or all of it where it has no text. */
function resultLine({ type, payload, text }: LogItem): unknown {
  if (payload === null) return text;
  return type === "error" ? payload : resultHeadline(payload);
}

/** The result's text, then the whole of what it is the text of. */
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
