/**
 * The flags and the help that all agents have in common.
 *
 * @module
 */
import { Command, Option } from "@commander-js/extra-typings";
import { settingsHelp } from "@ourocodus/protocol";
import { AGENT_SETTINGS, type AgentFlags } from "./settings.ts";

/** The end of an agent's help. */
export const SETTINGS_HELP = `Environment, where a flag is not given:
${settingsHelp(AGENT_SETTINGS)}

SIGTERM or SIGINT lets running work finish; a second one ends at once.

Exit codes:
  0    it was stopped; its running work has finished or was released
  1    it may not go on: a relay refused it, or another agent of the same id
       took its place
  2    the command line or a setting is wrong, or the command cannot be run
  130  ended at once by a second Ctrl-C (143 by SIGTERM)`;

/**
 * What is checked in the place of running: the command line; its folders and files too, but no
 * program; or all there is.
 */
export const DRY_RUNS = ["flags", "files", "all"] as const;
export type DryRun = typeof DRY_RUNS[number];

/** Those flags as they were given; `name` is the same as `agentId`. */
export type AgentOptions = Pick<AgentFlags, keyof AgentFlags> & {
  readonly name?: string;
  readonly dryRun?: DryRun;
};

/**
 * A command with the flags that say whose work it takes.
 *
 * @param root The program, whose settings it takes over.
 */
export function agentCommand(root: Command, name: string): Command<[], AgentOptions> {
  return new Command(name)
    .copyInheritedSettings(root)
    .option("--session <session>", "whose work to take (required)")
    .option("--role <role>", "which of its work to take (required)")
    .option(
      "--relay <url>",
      "where a relay listens, several with commas (default: ws://localhost:8080)",
    )
    .option("--agent-id <id>", "the agent's name (default: a random one)")
    .option("--name <id>", "the same as --agent-id")
    .option("--concurrency <number>", "work items at once, 1 to 1024 (default: 1)")
    .option(
      "--limit-key <key>",
      "whose provider's limits it shares (default: a coding agent's account)",
    )
    .option(
      "--max-attempt <duration>",
      "how long an attempt may take (a coding agent's default: 24h)",
    )
    .option("--max-silence <duration>", "how long it may be silent (a coding agent's default: 30m)")
    .option("--drain <duration>", "how long running work may take after SIGTERM (default: 25s)")
    .addOption(
      new Option("--dry-run <what>", "only say what is wrong, with as much as this")
        .choices(DRY_RUNS),
    );
}

/** What those flags say. */
export function agentFlags(options: AgentOptions): AgentFlags {
  const {
    session,
    role,
    relay,
    agentId = options.name,
    concurrency,
    limitKey,
    maxAttempt,
    maxSilence,
    drain,
  } = options;
  return { session, role, relay, agentId, concurrency, limitKey, maxAttempt, maxSilence, drain };
}
