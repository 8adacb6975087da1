import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { openQuestions } from "@ourocodus/ops";
import { pause, type QuestionRecord } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { optionalPlace } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, harmlessLines, jsonLine, type Paint, paint, span } from "./terminal_text.ts";

/** `questions`: lists what agents ask. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await questions(flags, console)));
}

function declare() {
  return new Command()
    .description("Lists questions of agents that wait for an answer, the oldest first.")
    .addOption(sessionFlag("only this session's"))
    .addOption(roleFlag("only this role's"))
    .option("--watch", "go on, and print new questions as they come, until Ctrl-C")
    .option("--json", "print a line of JSON per question")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["questions", "questions --watch -s shop", "questions answer 17 allow"], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `The agent waits until somebody answers with "questions answer", or the time is
over; then the default counts.`;

const WATCH_MS = 1_000;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
async function questions(flags: Flags, console: Console): Promise<ExitCode> {
  const { out, signal } = console;
  const colors = paint(out.hasColor);
  await using connection = await connectToLog(console, flags);
  const shown = new Set<string>();
  do {
    const open = await openQuestions(connection, optionalPlace(flags));
    const fresh = open.filter(({ question_id }) => !shown.has(question_id));
    for (const question of fresh) {
      shown.add(question.question_id);
      const text = flags.json ? jsonLine(question) : questionText(question, colors);
      await out.write(text);
    }
    if (shown.size === 0 && !flags.watch && !flags.json) await out.write("No question waits\n");
    if (flags.watch) await pause(WATCH_MS, signal);
  } while (flags.watch && !signal.aborted);
  return EXIT.ok;
}

function questionText(question: QuestionRecord, { bold, dim }: Paint): string {
  const { question_id, session_id, role, work_id, agent_id, options, default: otherwise } =
    question;
  const { fingerprint } = question;
  const left = span(Math.max(0, Date.parse(question.expires_at) - Date.now()));
  const end = otherwise === undefined ? "nothing" : JSON.stringify(harmless(otherwise));
  return [
    `${bold(question_id)}  ${harmless(work_id)} ${dim(`(session ${session_id}, role ${role})`)}`,
    ...harmlessLines(question.question, false).split("\n").map((line) => `  ${line}`),
    dim(`  agent ${harmless(agent_id)} asks; after ${left} the answer is ${end}`),
    ...(options === undefined ? [] : [`  ${options.map(harmless).join(" | ")}`]),
    ...(fingerprint === undefined
      ? []
      : [dim(`  with --always also whenever this role asks about: ${harmless(fingerprint)}`)]),
    "",
    "",
  ].join("\n");
}
