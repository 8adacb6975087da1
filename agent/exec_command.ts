import { type Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { parseBytes } from "@ourocodus/protocol";
import { agentCommand, agentFlags, SETTINGS_HELP } from "./agent_flags.ts";
import { OptionError } from "./errors.ts";
import { ExecAgent, parseJsonPath, VARIABLES } from "./exec/mod.ts";
import { duration } from "./flag_values.ts";
import { cleanEnvironment, findSandbox } from "./processes/mod.ts";
import type { RunAgent } from "./run_agent.ts";

/**
 * `exec`: runs a command for each work item.
 *
 * @param root The program.
 * @param env The environment that the command inherits.
 */
export function execCommand(
  root: Command,
  run: RunAgent,
  env: () => Readonly<Record<string, string>>,
): Command {
  return agentCommand(root, "exec")
    .summary("runs a command once for each work item")
    .description("Runs a command once for each work item. What it prints is the result.")
    .usage("[options] -- COMMAND [ARG...]")
    .argument("<command...>", "the program and its arguments; no shell is involved")
    .addOption(
      new Option("--timeout <duration>", "how long the command may take, or none")
        .argParser(timeout).default(HOUR_MS, "1h"),
    )
    .addOption(
      new Option("--kill-after <duration>", "how long after SIGTERM it is killed")
        .argParser(duration(0)).default(10_000, "10s"),
    )
    .option(
      "--retry-on <codes>",
      "exit codes that release the work, for example 75,111; default: none",
      exitCodes,
    )
    .option(
      "--snooze-on <codes>",
      "exit codes that put the work off, which costs it no attempt; default: none",
      exitCodes,
    )
    .option(
      "--retry-delay <duration>",
      "when such work is handed out again (default: 1s)",
      duration(0, 30),
    )
    .addOption(
      new Option("--stdin <what>", "what is on its standard input")
        .choices(["message", "json", "none"] as const).default("message" as const),
    )
    .addOption(
      new Option("--stdout <what>", "what it prints: text, or JSON that is the result's payload")
        .choices(["text", "json"] as const).default("text" as const),
    )
    .addOption(
      new Option(
        "--error-if <path>",
        "with --stdout json: a path like .is_error; if something is there, the work has failed",
      ).argParser((text) => parseJsonPath(text, "--error-if").text),
    )
    .option("--require-output", "printing nothing, or white space alone, is an error")
    .addOption(
      new Option(
        "--sandbox <kind>",
        "bwrap: it may write to its folder and the output folder alone",
      )
        .choices(["none", "bwrap"] as const).default("none" as const),
    )
    .option("--cwd <folder>", "the folder that it runs in (default: this one)")
    .option(
      "--env <name[=value]>",
      "a variable of its environment, from here or with this value; can be repeated",
      (text, before: Readonly<Record<string, string>> = {}) => variable(text, before, env()),
    )
    .option(
      "--output-folder <folder>",
      "for output that is too large for a result (default: a new one in the temporary folder)",
    )
    .option("--max-output <size>", "of one output as much is kept there (default: 1GB)", size)
    .passThroughOptions()
    .addHelpText("after", `\n${NOTES}\n\n${SETTINGS_HELP}\n\n${EXAMPLES}`)
    .action(async (command, options) => {
      const flags = agentFlags(options);
      if (options.dryRun === "flags") return await run({ flags });
      const inherited = cleanEnvironment(env());
      await using agent = new ExecAgent({
        command,
        env: inherited,
        setEnv: options.env,
        bwrap: options.sandbox === "bwrap" ? await bwrapProgram(inherited.PATH) : undefined,
        cwd: options.cwd,
        stdin: options.stdin,
        stdout: options.stdout,
        errorIf: options.errorIf,
        requireOutput: options.requireOutput,
        timeoutMs: options.timeout === Infinity ? undefined : options.timeout,
        killAfterMs: options.killAfter,
        retryOn: options.retryOn,
        retryDelayMs: options.retryDelay,
        snoozeOn: options.snoozeOn,
        outputFolder: options.outputFolder,
        maxOutputBytes: options.maxOutput,
      });
      await run({
        flags,
        handler: options.dryRun === undefined ? agent.handler : undefined,
        beforeExit: () => agent.kill(),
      });
    }) as unknown as Command;
}

const HOUR_MS = 3_600_000;
const MAX_BYTES = 1024 ** 4;

const NOTES = `The payload's "message" is on the command's standard input, and replaces {message} in
its arguments; {id}, {session} and {role} are replaced too. {{id}} stands for {id} itself, other
braces for themselves. A message that is no string is written as JSON; work without one that is
asked for gets an error result. The environment has OUROCODUS_MESSAGE, _ID, _SESSION, _ROLE,
_AGENT_ID, _ATTEMPT and _WORK_KEY, which is the same at every attempt; OUROCODUS_OMITTED names those
that are too large for an environment. What the agent has of NATS_*, OUROCODUS_* and FORCE_COLOR, the
command does not get, unless --env says so; NO_COLOR is 1.

The result is {output, exit_code, duration_ms}. Lines on standard error are progress events. An exit
code other than 0 is an error result with the end of both outputs; with --retry-on and --snooze-on
the work is handed out again. A command that puts its work off may say until when in the last line on
standard error: 2026-12-24T08:00:00Z, or 90s, 2h, 3d, at most 30 days. What is too large for a result is
cut, and is whole in a file that the result names; nobody removes these files.

When the command has ended, when its time is over or when the agent stops, everything that it has
started and that still runs is ended: SIGTERM, then SIGKILL; daemons, too. If the agent is killed,
its keeper does that. With --sandbox bwrap, nothing can escape it.`;

const EXAMPLES = `Examples:
  $ deno run -A agent/main.ts exec --session docs --role count -- wc -w
  $ deno run -A agent/main.ts exec --session docs --role log --stdin none -- git log -1 {message}
  $ deno run -A agent/main.ts exec --session docs --role pick --stdin json --stdout json -- jq .message
  $ deno run -A agent/main.ts exec --session docs --role build --retry-on 75 --timeout 10m -- \\
      sh -c 'make "$OUROCODUS_MESSAGE"'
  $ deno run -A agent/main.ts exec --session docs --role ask --stdout json --error-if .is_error -- \\
      claude -p --output-format json`;

async function bwrapProgram(path: string | undefined): Promise<string> {
  const found = await findSandbox(path);
  if (found.kind === "bwrap") return found.program;
  throw new OptionError(`Cannot use --sandbox bwrap: ${found.reason}`);
}

function timeout(text: string): number {
  return text === "none" ? Infinity : duration(1)(text);
}

function size(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined || !(bytes <= MAX_BYTES)) {
    throw new InvalidArgumentError("It must be a size like 64KB or 1GB, at most 1TB");
  }
  return bytes;
}

function exitCodes(text: string): number[] {
  return text.split(",").map((part) => {
    const code = /^\s*\d{1,3}\s*$/.test(part) ? Number(part) : NaN;
    if (!(code >= 1 && code <= 255)) {
      throw new InvalidArgumentError(
        "It must be exit codes from 1 to 255 with commas between them",
      );
    }
    return code;
  });
}

function variable(
  text: string,
  before: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  const [, name, given] = /^([^=\0]+)(?:=([^\0]*))?$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It must be NAME=VALUE or NAME");
  const own: readonly string[] = VARIABLES;
  if (own.includes(name)) throw new InvalidArgumentError(`${name} is set for each work item`);
  const value = given ?? environment[name];
  if (value === undefined) throw new InvalidArgumentError(`${name} is not set here`);
  return { ...before, [name]: value };
}
