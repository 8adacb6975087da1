/**
 * The flags of `agent start` that the agent program knows, and that are passed on to it: a flag of
 * the agent program is one more entry here.
 *
 * @module
 */
import { Option } from "@commander-js/extra-typings";
import { resolve } from "node:path";
import { UsageError } from "./usage_error.ts";

/** The agents of the agent program that have flags of their own. */
export type AgentKind = "exec" | "coding";

interface PassedFlag {
  /** For commander: `--setup <command...>`. */
  readonly syntax: string;
  readonly help: string;
  /** Whose it is. */
  readonly of: readonly AgentKind[];
  /** Whether its value is a path, seen from the current folder; words that are none. */
  readonly path?: { readonly except: readonly string[] };
}

const PATH = { path: { except: [] } };

const FLAGS: readonly PassedFlag[] = [
  exec("--timeout <duration>", "how long the command may take, or none (default: 1h)"),
  exec("--kill-after <duration>", "how long after SIGTERM it is killed (default: 10s)"),
  exec("--stdin <what>", "what it gets there: message (default), json or none"),
  exec("--stdout <what>", "what it writes there: text (default) or json"),
  exec("--snooze-on <codes>", "exit codes that put the work off, uncharged; default: none"),
  exec(
    "--retry-on <codes>",
    "exit codes that release the work, for example 75,111; default: none",
  ),
  exec("--retry-delay <duration>", "when such work is handed out again (default: 1s)"),
  both(
    "--limit-key <key>",
    "whose provider's limits it shares (default: a coding agent's account)",
  ),
  both("--max-attempt <duration>", "how long an attempt may take (a coding agent's default: 24h)"),
  both("--max-silence <duration>", "how long it may be silent (a coding agent's default: 30m)"),
  exec("--error-if <path>", "with --stdout json: a path like .is_error that tells of a failure"),
  exec("--require-output", "printing nothing is an error"),
  {
    ...both("--cwd <path>", "the folder that it runs in (a command's default: this one)"),
    ...PATH,
  },
  both(
    "--sandbox <kind>",
    "bwrap: it may write to its folder alone (a coding agent's default, if it is there); none (a " +
      "command's)",
  ),
  { ...coding("--repo <path>", "the git repository to work in"), ...PATH },
  coding("--base <ref>", "what worktrees begin with (default: HEAD of the repository)"),
  { ...coding("--worktrees <path>", "where worktrees are made (default: in the home)"), ...PATH },
  coding("--setup <command...>", "a shell command that prepares a new worktree"),
  coding("--copy <path...>", "files that a new worktree gets from the repository"),
  {
    ...coding("--permissions <level>", "all, edits (default), read, none, or a file with rules"),
    path: { except: ["all", "edits", "read", "none"] },
  },
  coding("--ask <duration>", "ask people about what no rule allows, for so long (default: nobody)"),
  coding("--check <command>", "a shell command that decides whether work is done"),
  coding("--check-turns <number>", "how often it may try again after that (default: 2)"),
  coding("--check-timeout <duration>", "how long one check may take (default: 10m)"),
  {
    ...coding("--writable <path...>", "in a sandbox: further files and folders it may write to"),
    ...PATH,
  },
  { ...coding("--env-file <path>", "a file with variables for it, NAME=VALUE a line"), ...PATH },
  coding("--gateway", "keep its key in the agent program, which asks the model for it"),
  coding("--gateway-budget <tokens>", "how many tokens agents with these worktrees may ever use"),
  {
    ...coding("--record <path>", "with --gateway: a folder that keeps all requests and answers"),
    ...PATH,
  },
  coding("--isolated-home", "a home of its own, without your login and settings"),
  coding("--thoughts", "the model's thoughts are progress events"),
  coding("--transcript", "keep everything that it says in a file"),
  coding("--max-duration <duration>", "how long a work item may take"),
  coding("--max-cost <amount>", "what a work item may cost, in the agent's currency"),
  coding("--max-tokens <number>", "how many tokens a work item may use"),
  coding("--max-turns <number>", "how many tools a work item may use"),
];

const GROUP: Readonly<Record<string, string>> = {
  exec: "Options of a command:",
  coding: "Options of a coding agent:",
  "exec coding": "Options of both:",
};

/** What errors call those whose flags they are. */
const WHO: Readonly<Record<string, string>> = {
  exec: "a command, after --",
  coding: "a coding agent: --agent or --acp",
  "exec coding": "a command, after --, or a coding agent",
};

/** Those flags, for a command. */
export function passedOptions(): Option[] {
  return FLAGS.map(({ syntax, help, of }) =>
    new Option(syntax, help).helpGroup(GROUP[of.join(" ")] ?? "")
  );
}

/**
 * The arguments for the agent program.
 *
 * @param kind What runs; undefined: an agent without such flags.
 * @param flags A command line, by the names that commander gives to flags.
 * @throws {UsageError} If there are flags of another agent.
 */
export function passedArguments(
  kind: AgentKind | undefined,
  flags: Readonly<Record<string, unknown>>,
): string[] {
  const given = FLAGS.flatMap((flag) => {
    const option = new Option(flag.syntax);
    const value = flags[option.attributeName()];
    return value === undefined ? [] : [{ ...flag, name: option.long ?? "", value }];
  });
  for (const { name, of } of given) {
    if (kind !== undefined && of.includes(kind)) continue;
    const same = given.filter((flag) => flag.of.join() === of.join()).map(({ name }) => name);
    throw new UsageError(
      `${(same.length > 0 ? same : [name]).join(", ")}: only with ${WHO[of.join(" ")]}`,
    );
  }
  return given.flatMap(({ name, value, path }) => {
    if (value === true) return [name];
    const values = (Array.isArray(value) ? value : [value]).map(String);
    return values.flatMap((
      text,
    ) => [name, path && !path.except.includes(text) ? resolve(text) : text]);
  });
}

function exec(syntax: string, help: string): PassedFlag {
  return { syntax, help, of: ["exec"] };
}

function coding(syntax: string, help: string): PassedFlag {
  return { syntax, help, of: ["coding"] };
}

function both(syntax: string, help: string): PassedFlag {
  return { syntax, help, of: ["exec", "coding"] };
}
