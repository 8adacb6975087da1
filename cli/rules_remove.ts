import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { questionRules, removeRule } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { optionalPlace } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, jsonLine, paint } from "./terminal_text.ts";

/** `questions rules remove`: removes one. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, flags) => done(await rulesRemove(id, flags, console)));
}

function declare() {
  return new Command()
    .description("Removes a rule that answers questions: people are asked again from now on.")
    .argument("<id>", "the rule's id, or its beginning")
    .addOption(sessionFlag("only rules of this session"))
    .addOption(roleFlag("only rules of this role"))
    .option("--json", "print a line of JSON")
    .option(...NATS_FLAG)
    .addHelpText("after", helpEnd(["questions rules", "questions rules remove 3fa9c0d1"], NOTES));
}

type Flags = FlagsOf<typeof declare>;

const NOTES =
  `Answers that the rule has given stay. The command exits with 1 if there is no such rule.`;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
async function rulesRemove(asked: string, flags: Flags, console: Console): Promise<ExitCode> {
  const { out, err } = console;
  await using connection = await connectToLog(console, flags);
  const rules = await questionRules(connection, optionalPlace(flags));
  const [rule, ...others] = rules.filter(({ rule_id }) => asked && rule_id.startsWith(asked));
  if (rule === undefined || others.length > 0) {
    const ids = [rule, ...others].map((one) => one?.rule_id).join(", ");
    const shown = JSON.stringify(harmless(asked));
    const why = rule === undefined
      ? `there is no rule ${shown}: "ourocodus questions rules" lists them`
      : `several rules begin with ${shown}: ${ids}`;
    await err.write(`error: ${why}\n`);
    return EXIT.failed;
  }
  const { rule_id, fingerprint } = rule;
  const removed = await removeRule(connection, rule);
  if (flags.json) await out.write(jsonLine({ rule_id, removed }));
  else if (removed) {
    const { green } = paint(out.hasColor);
    await out.write(`${green("✓")} rule ${rule_id} is removed: ${harmless(fingerprint)}\n`);
  } else await err.write(`error: rule ${rule_id} has been removed already\n`);
  return removed ? EXIT.ok : EXIT.failed;
}
