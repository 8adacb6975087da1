import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { questionRules } from "@ourocodus/ops";
import type { RuleRecord } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { optionalPlace } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, jsonLine, localTime, type Paint, paint } from "./terminal_text.ts";

/** `questions rules`: lists rules that answer questions. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await rulesList(flags, console)));
}

function declare() {
  return new Command()
    .description("Lists rules that answer questions of agents, the oldest first.")
    .addOption(sessionFlag("only this session's"))
    .addOption(roleFlag("only this role's"))
    .option("--json", "print a line of JSON per rule")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["questions rules -s shop", "questions rules remove 3fa9c0d1"], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `"questions answer ID allow --always" makes a rule: agents of that session and role
get the answer at once whenever they ask about exactly the same.`;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
async function rulesList(flags: Flags, console: Console): Promise<ExitCode> {
  const { out } = console;
  await using connection = await connectToLog(console, flags);
  const rules = await questionRules(connection, optionalPlace(flags));
  const colors = paint(out.hasColor);
  for (const rule of rules) {
    await out.write(flags.json ? jsonLine(rule) : ruleText(rule, colors));
  }
  if (rules.length === 0 && !flags.json) await out.write("No rules\n");
  return EXIT.ok;
}

function ruleText(
  { rule_id, session_id, role, fingerprint, answer, by, since }: RuleRecord,
  { bold, dim }: Paint,
): string {
  return [
    `${bold(rule_id)}  ${harmless(answer)} ${dim(`(session ${session_id}, role ${role})`)}`,
    `  ${harmless(fingerprint)}`,
    dim(`  by ${harmless(by)}, since ${localTime(new Date(since))}`),
    "",
    "",
  ].join("\n");
}
