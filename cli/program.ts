/**
 * The command line's tree of commands, and running one of them.
 *
 * Each command has a file with its flags and help, and one that does the work. The latter, and
 * with it everything that knows NATS, is loaded only when the command runs: `--help` and
 * completion are quick.
 *
 * @module
 */
import { Command, CommanderError } from "@commander-js/extra-typings";
import { agentCommand } from "./agent_command.ts";
import { completionCommand } from "./completion_command.ts";
import type { Console } from "./console.ts";
import { deadCommand } from "./dead_command.ts";
import manifest from "./deno.json" with { type: "json" };
import { EXIT, EXIT_CODES_HELP, type ExitCode } from "./exit_codes.ts";
import { logsCommand } from "./logs_command.ts";
import { ClosedOutputError, OutputError } from "./output.ts";
import { sendCommand } from "./send_command.ts";
import { startCommand } from "./start_command.ts";
import { statusCommand } from "./status_command.ts";
import { stopCommand } from "./stop_command.ts";
import { superviseCommand } from "./supervise_command.ts";
import { tailCommand } from "./tail_command.ts";
import { harmless } from "./terminal_text.ts";
import { tokenCommand } from "./token_command.ts";
import { traceCommand } from "./trace_command.ts";
import { UsageError } from "./usage_error.ts";
import { workCommand } from "./work_command.ts";
import { worktreeCommand } from "./worktree_command.ts";

/**
 * Makes the commands.
 *
 * @param done Told the exit code of the command that ran.
 */
export function program(console: Console, done: (code: ExitCode) => void = () => {}): Command {
  const root: Command = new Command("ourocodus")
    .description("Carries work to coding agents, and brings their results back.")
    .version(manifest.version, "-V, --version", "print the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void console.out.write(text).catch(() => {}),
      writeErr: (text) => void console.err.write(text).catch(() => {}),
      // One line, with the nearest name at its end.
      outputError: (text, write) => write(`${text.trim().replaceAll("\n", " ")}\n`),
      getOutHelpWidth: () => console.out.columns,
      getErrHelpWidth: () => console.err.columns,
      getOutHasColors: () => console.out.hasColor,
      getErrHasColors: () => console.err.hasColor,
    })
    .configureHelp({ styleTitle: (title) => `\x1b[1m${title}\x1b[0m` })
    .addHelpText("after", `\n${EXAMPLES}\n\n${EXIT_CODES_HELP}`);
  root.addCommand(startCommand(console, done));
  root.addCommand(stopCommand(console, done));
  root.addCommand(statusCommand(console, done));
  root.addCommand(logsCommand(console, done));
  root.addCommand(agentCommand(console, done));
  root.addCommand(superviseCommand(console, done), { hidden: true });
  root.addCommand(sendCommand(console, done));
  root.addCommand(tailCommand(console, done));
  root.addCommand(traceCommand(console, done));
  root.addCommand(workCommand(console, done));
  root.addCommand(worktreeCommand(console, done));
  root.addCommand(deadCommand(console, done));
  root.addCommand(tokenCommand(console, done));
  root.addCommand(completionCommand(console, done, () => root));
  inheritSettings(root);
  return root;
}

const EXAMPLES = `Examples:
  $ ourocodus start
  $ ourocodus agent start --session docs --role writer
  $ ourocodus send work --session docs --role writer --message hello --wait
  $ ourocodus tail results --session docs
  $ ourocodus tail events
  $ ourocodus trace task-17
  $ ourocodus work wait task-17
  $ ourocodus work cancel task-17
  $ ourocodus dead list --session docs
  $ source <(ourocodus completion bash)

ourocodus <command> --help has more.`;

/**
 * Runs a command line.
 *
 * @param args The words after the program's name.
 * @returns The exit code. What is wrong has been printed.
 */
export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  try {
    const root = program(console, (value) => code = value);
    await root.parseAsync(helpAsFlag(root, args), { from: "user" });
  } catch (error) {
    code = await explain(error, console);
  }
  for (const output of [console.out, console.err]) {
    try {
      await output.flush();
    } catch (error) {
      if (error instanceof ClosedOutputError) continue;
      if (!(error instanceof OutputError)) throw error;
      code = EXIT.failed;
      await console.err.write(`error: ${harmless(error.message)}\n`).catch(() => {});
    }
  }
  return console.signal.aborted ? EXIT.interrupted : code;
}

/** `help send work` as `send work --help`: by itself, help knows the first word only. */
function helpAsFlag(root: Command, args: readonly string[]): readonly string[] {
  const [first, ...words] = args;
  if (first !== "help" || words.length === 0) return args;
  let command = root;
  for (const [index, word] of words.entries()) {
    if (command.commands.length === 0) break; // What follows are its arguments.
    const next = (command.commands as Command[]).find((child) => child.name() === word);
    // Run by itself, what is no command is refused, with what is like it.
    if (next === undefined) return words.slice(0, index + 1);
    command = next;
  }
  return [...words, "--help"];
}

async function explain(error: unknown, console: Console): Promise<ExitCode> {
  if (error instanceof ClosedOutputError) return EXIT.ok;
  // Said when the output is flushed.
  if (error instanceof OutputError) return EXIT.failed;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (console.signal.aborted) return EXIT.interrupted;
  const message = error instanceof Error ? error.message : String(error);
  await console.err.write(`error: ${harmless(message)}\n`).catch(() => {});
  // Errors of the bus are known by their name, so that this file need not load it.
  const usage = error instanceof UsageError ||
    (error instanceof Error && error.name === "SettingError");
  return usage ? EXIT.usage : EXIT.failed;
}

/** `addCommand`, other than `command`, leaves it to us to hand the settings down. */
function inheritSettings(command: Command): void {
  for (const child of command.commands as Command[]) {
    child.copyInheritedSettings(command);
    inheritSettings(child);
  }
}
