import { userInfo } from "node:os";
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { answerQuestion, openQuestions } from "@ourocodus/ops";
import { MAX_ANSWER_CHARACTERS, type RuleRecord } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { optionalPlace } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, jsonLine, paint } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";

/** `questions answer`: answers one. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, answer, flags) => {
    done(await questionsAnswer(id, answer, flags, console));
  });
}

function declare() {
  return new Command()
    .description("Answers a question of an agent. Of several who answer, the first counts.")
    .argument("<id>", "the question's id, or its beginning, such as the work's sequence")
    .argument("<answer>", "one of its options, or any text if it has none")
    .addOption(sessionFlag("only questions of this session"))
    .addOption(roleFlag("only questions of this role"))
    .option("--always", "answer the same whenever the session's role asks about exactly the same")
    .option("--by <name>", "who answers (default: the user's name)")
    .option("--json", "print a line of JSON")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(EXAMPLES, NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const EXAMPLES = [
  "questions answer 17 allow",
  "questions answer 17 allow --always",
  "questions answer 17 'use the other helper'",
];

const NOTES =
  `--always makes a rule of the answer, for what "questions" shows under the question, and
no more; "questions rules" lists rules. Not every question can be answered so.

The command exits with 1 if the answer does not count: somebody was faster, the time
was over, it is none of the options, no rule can be made of it, or there is no such question.`;

/** Runs the command. @throws {UsageError} If an argument or a flag cannot be used. */
async function questionsAnswer(
  asked: string,
  answer: string,
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  if (answer === "" || answer.length > MAX_ANSWER_CHARACTERS) {
    const length = `${answer.length} characters`;
    throw new UsageError(`<answer> has ${length}, allowed are 1 to ${MAX_ANSWER_CHARACTERS}`);
  }
  const { out, err } = console;
  await using connection = await connectToLog(console, flags);
  const open = await openQuestions(connection, optionalPlace(flags));
  const meant = open.filter(({ question_id }) =>
    question_id === asked || question_id.startsWith(`${asked}-`)
  );
  const [question, ...others] = meant;
  if (question === undefined || others.length > 0) {
    const ids = meant.map(({ question_id }) => question_id).join(", ");
    const why = question === undefined
      ? `no question ${JSON.stringify(harmless(asked))} waits: "ourocodus questions" lists them`
      : `several questions begin with ${JSON.stringify(harmless(asked))}: ${ids}`;
    await err.write(`error: ${why}\n`);
    return EXIT.failed;
  }
  const by = flags.by ?? userInfo().username;
  const done = await answerQuestion(connection, question, {
    ...{ answer, by, ...(flags.always && { always: "session" }) },
  });
  const { question_id } = question;
  if (flags.json) await out.write(jsonLine({ question_id, ...done }));
  else if (done.kind === "answered") {
    const { green } = paint(out.hasColor);
    await out.write(`${green("✓")} ${question_id} is answered${ruleText(done.rule)}\n`);
  } else await err.write(`error: ${refusal(question_id, done)}\n`);
  return done.kind === "answered" ? EXIT.ok : EXIT.failed;
}

function ruleText(rule: RuleRecord | undefined): string {
  if (rule === undefined) return "";
  const { rule_id, answer, session_id, role, fingerprint } = rule;
  const who = `role ${role} of session ${session_id}`;
  return `; rule ${rule_id}: ${harmless(answer)}, whenever ${who} asks about ${
    harmless(fingerprint)
  }`;
}

function refusal(
  id: string,
  done: Exclude<Awaited<ReturnType<typeof answerQuestion>>, { kind: "answered" }>,
): string {
  if (done.kind === "no_option") {
    return `it is none of the options: ${done.options.map(harmless).join(", ")}`;
  }
  if (done.kind === "no_fingerprint") {
    return "its agent does not say what it is about, so no rule can be made: leave --always out";
  }
  const { answer, by } = done.answer;
  const what = answer === undefined
    ? "without an answer"
    : `with ${JSON.stringify(harmless(answer))}`;
  return by === undefined
    ? `the time of ${id} was over, ${what}`
    : `${id} was answered by ${harmless(by)} already, ${what}`;
}
