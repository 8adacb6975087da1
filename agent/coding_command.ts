import { type Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { getLogger } from "@logtape/logtape";
import { agentCommand, agentFlags, SETTINGS_HELP } from "./agent_flags.ts";
import { parseGivenVariable } from "./coding/acp/environment.ts";
import type { CodingOptions } from "./coding/options.ts";
import { OptionError } from "./errors.ts";
import { collect, duration, filled, wholeNumber } from "./flag_values.ts";
import type { RunAgent } from "./run_agent.ts";
import { agentSettings } from "./settings.ts";

const logger = getLogger(["ourocodus", "agent"]);

/**
 * `coding`: has a coding agent do each work item.
 *
 * @param root The program.
 * @param env The environment, from which the coding agent gets what it may have.
 */
export function codingCommand(
  root: Command,
  run: RunAgent,
  env: () => Readonly<Record<string, string>>,
): Command {
  return agentCommand(root, "coding")
    .summary("has a coding agent do each work item, in a git worktree of its own")
    .description(
      "Has a coding agent such as Claude Code do each work item, in a git worktree of its own. The " +
        "result is its answer, and a branch with a commit.",
    )
    .usage("[options] --agent NAME | [options] --acp -- COMMAND [ARG...]")
    .argument("[command...]", "with --acp: the program and its arguments; no shell is involved")
    .option("--agent <name>", "a known coding agent: claude, codex, gemini, opencode or qwen")
    .addOption(
      new Option("--acp", "any other one that speaks ACP; its command is after --")
        .conflicts("agent"),
    )
    .option("--repo <folder>", "the git repository to work in", filled)
    .option("--base <ref>", "what worktrees begin with (default: HEAD of the repository)", filled)
    .option("--worktrees <folder>", "where worktrees are made", filled)
    .addOption(
      new Option("--cwd <folder>", "the folder to work in, where there is no repository")
        .argParser(filled).conflicts(["repo", "base", "worktrees", "setup", "copy"]),
    )
    .option(
      "--setup <command>",
      "a shell command that prepares a new worktree; can be repeated",
      collect(filled),
    )
    .option(
      "--copy <path>",
      "a file or folder that a new worktree gets from the repository; can be repeated",
      collect(filled),
    )
    .option(
      "--permissions <level>",
      "what it may do: all, edits (default), read, none, or a file with rules",
      filled,
    )
    .option(
      "--ask <duration>",
      "ask people about what no rule allows, and wait so long; then it is denied (default: ask nobody)",
      duration(1_000),
    )
    .option("--check <command>", "a shell command that decides whether work is done", filled)
    .option(
      "--check-turns <number>",
      "how often it may try again after a failed check (default: 2)",
      wholeNumber(0, 100),
    )
    .option(
      "--check-timeout <duration>",
      "how long one check may take (default: 10m)",
      duration(1),
    )
    .addOption(
      new Option("--sandbox <what>", "what confines it (default: bwrap, where it works)")
        .choices(["bwrap", "none"] as const),
    )
    .option(
      "--writable <path>",
      "in a sandbox: a further file or folder it may write to; can be repeated",
      collect(filled),
    )
    .option(
      "--env <name[=value]>",
      "a variable that it gets, from here or with this value; can be repeated",
      collect(parseGivenVariable),
    )
    .option("--env-file <file>", "a file with such variables, NAME=VALUE a line", filled)
    .option("--gateway", "keep its key in this program, which asks the model for it")
    .option(
      "--gateway-budget <tokens>",
      "with --gateway: how many tokens all agents with these worktrees may ever use",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option("--record <folder>", "with --gateway: keep all requests and answers in it", filled)
    .option("--isolated-home", "a home of its own, without the user's login and settings")
    .option("--thoughts", "the model's thoughts are progress events")
    .option("--transcript", "keep everything that it says in a file")
    .option("--max-duration <duration>", "how long a work item may take", duration(1))
    .option("--max-cost <amount>", "what a work item may cost, in the agent's currency", amount)
    .option(
      "--max-tokens <number>",
      "how many tokens a work item may use",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option(
      "--max-turns <number>",
      "how many tools a work item may use",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .passThroughOptions()
    .addHelpText("after", `\n${NOTES}\n\n${SETTINGS_HELP}\n\n${EXAMPLES}`)
    .action(async (command, options) => {
      const flags = agentFlags(options);
      const inherited = env();
      const { agentId = crypto.randomUUID(), concurrency } = agentSettings({
        get: (name) => inherited[name],
      }, flags);
      const wanted: CodingOptions = {
        agent: options.agent,
        command: acpCommand(command, options.acp === true),
        repo: options.repo,
        base: options.base,
        worktrees: options.worktrees,
        cwd: options.cwd,
        setup: options.setup,
        copy: options.copy,
        permissions: options.permissions,
        askMs: options.ask,
        check: codingCheck(options),
        sandbox: options.sandbox,
        writable: options.writable,
        env: options.env,
        envFile: options.envFile,
        gateway: codingGateway(options),
        isolatedHome: options.isolatedHome,
        thoughts: options.thoughts,
        transcript: options.transcript,
        limits: {
          maxDurationMs: options.maxDuration,
          maxCost: options.maxCost,
          maxTokens: options.maxTokens,
          maxTurns: options.maxTurns,
        },
        agentId,
        slots: concurrency,
        inherited,
      };
      // Not before it is needed: other agents need not load what speaks ACP.
      const { CodingAgent } = await import("./coding/mod.ts");
      const { hideMemory } = await import("./processes/mod.ts");
      await using agent = new CodingAgent(wanted, flagName);
      if (options.dryRun !== undefined) {
        await run({ flags });
        if (options.dryRun !== "flags") await dryRun(agent, options.dryRun);
        return;
      }
      await run({
        flags: { ...flags, agentId, limitKey: flags.limitKey ?? agent.limitKey() },
        defaults: { maxAttemptMs: 86_400_000, noProgressMs: 1_800_000 },
        start: async () => {
          // Without a sandbox, commands of the coding agent run as this user.
          if (wanted.gateway !== undefined && !hideMemory()) {
            logger.warn("Cannot keep this user's other processes from reading the key in memory");
          }
          await agent.start();
        },
        handler: agent.handler,
        suspendable: agent,
      });
    }) as unknown as Command;
}

/** Says what is wrong; else prints what is known of the agent, for the program that starts it. */
async function dryRun(
  agent: Pick<import("./coding/mod.ts").CodingAgent, "check" | "facts">,
  depth: "files" | "all",
): Promise<void> {
  const wrong = await agent.check(depth);
  if (wrong !== undefined) throw new OptionError(wrong);
  console.log(JSON.stringify(await agent.facts()));
}

function acpCommand(words: readonly string[], isAcp: boolean): readonly string[] | undefined {
  if (isAcp && words.length > 0) return words;
  if (isAcp) throw new OptionError("--acp needs the agent's command: --acp -- COMMAND [ARG...]");
  if (words.length === 0) return undefined;
  throw new OptionError(
    `A command, ${JSON.stringify(words.join(" "))}, goes with --acp only; --agent has its own`,
  );
}

function codingCheck(
  { check, checkTurns, checkTimeout }: {
    readonly check?: string;
    readonly checkTurns?: number;
    readonly checkTimeout?: number;
  },
): CodingOptions["check"] {
  if (check !== undefined) return { command: check, turns: checkTurns, timeoutMs: checkTimeout };
  const given = { "--check-turns": checkTurns, "--check-timeout": checkTimeout };
  const [flag] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (flag === undefined) return undefined;
  throw new OptionError(`${flag} goes with --check`);
}

function codingGateway(
  { gateway, gatewayBudget, record }: {
    readonly gateway?: true;
    readonly gatewayBudget?: number;
    readonly record?: string;
  },
): CodingOptions["gateway"] {
  const given = { "--gateway-budget": gatewayBudget, "--record": record };
  const [flag] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (!gateway && flag !== undefined) throw new OptionError(`${flag} goes with --gateway`);
  if (!gateway) return undefined;
  return {
    ...(gatewayBudget !== undefined && { budgetTokens: gatewayBudget }),
    ...(record !== undefined && { record }),
  };
}

function flagName(option: string): string {
  if (option === "command") return "--acp";
  return `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function amount(text: string): number {
  const number = /^\d{1,12}(\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
  if (number > 0) return number;
  throw new InvalidArgumentError("It must be a number above 0, like 2.50");
}

const NOTES = `A work item's prompt is its payload's "message". It is done in a new worktree, on
the branch ourocodus/SESSION/ROLE/SEQUENCE, and what is there at the end is
committed to it. With --check, what the command prints goes back to the agent if
it fails, as a further turn.

The coding agent gets its own variables from the environment (ANTHROPIC_… for
claude), those that every program needs, and those of --env and --env-file;
nothing else. With --gateway it gets a token of its own instead of the key of
its model. --permissions edits: it reads, and edits in its worktree; commands
are refused, unless a file with rules allows them. --env NAME=VALUE is seen in
the list of processes; --env NAME and --env-file are not.

Through the gateway no further request is sent once --max-tokens or
--gateway-budget is used up. Without bubblewrap the agent can still read the
file of --env-file.

If access to the model fails, for example because a key is wrong, it takes no
more work until it can work again: it checks after 30 seconds, and then less and
less often, down to every 5 minutes.`;

const EXAMPLES = `Examples:
  $ deno run -A agent/main.ts coding --session shop --role coder --agent claude --repo ~/code/shop
  $ deno run -A agent/main.ts coding --session shop --role coder --agent codex --repo . \\
      --setup 'npm ci' --check 'npm test' --max-duration 1h
  $ deno run -A agent/main.ts coding --session shop --role reviewer --acp --repo . -- my-agent --flag`;
