import { Command, CommanderError } from "@commander-js/extra-typings";
import {
  type Environment,
  InvalidNameError,
  messageOf,
  OurocodusError,
  SettingError,
  VERSION,
} from "@ourocodus/protocol";
import { checkCommand } from "./check_command.ts";
import { codingCommand } from "./coding_command.ts";
import { echoCommand } from "./echo_command.ts";
import { OptionError } from "./errors.ts";
import { execCommand } from "./exec_command.ts";
import { type RunAgent, runAgent } from "./run_agent.ts";

/** The exit codes of a program that ends by itself. */
const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

const EXAMPLES = `
Examples:
  $ SESSION_ID=test ROLE=echo deno task agent
  $ deno run -A agent/main.ts exec --session docs --role count -- wc -w

agent/main.ts <command> --help has more.`;

/** Settings, and all variables there are, for commands to inherit; `Deno.env` is one. */
export interface WholeEnvironment extends Environment {
  toObject(): Record<string, string>;
}

/**
 * Runs an agent as a command line says, until it is stopped.
 *
 * @param args The words after the program's name.
 * @param env Where settings come from.
 * @returns The exit code. What is wrong has been printed, in one line.
 */
export async function run(
  args: readonly string[],
  env: WholeEnvironment,
): Promise<number> {
  try {
    let code: number = EXIT.ok;
    const run: RunAgent = (agent) => runAgent(env, agent);
    const root = program(run, env, (ok) => code = ok ? EXIT.ok : EXIT.failed);
    await root.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof OurocodusError)) throw error;
    console.error(`error: ${messageOf(error)}`);
    const isUsage = error instanceof SettingError || error instanceof OptionError ||
      error instanceof InvalidNameError;
    return isUsage ? EXIT.usage : EXIT.failed;
  }
}

function program(run: RunAgent, env: WholeEnvironment, checked: (ok: boolean) => void): Command {
  const root: Command = new Command("agent")
    .description("Takes work from a relay and answers it.")
    .version(VERSION, "-V, --version", "print the version")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      // One line, with the nearest name at its end.
      outputError: (text, write) => write(`${text.trim().replaceAll("\n", " ")}\n`),
    })
    .addHelpText("after", EXAMPLES);
  root.addCommand(echoCommand(root, run), { isDefault: true });
  root.addCommand(execCommand(root, run, () => env.toObject()));
  root.addCommand(codingCommand(root, run, () => env.toObject()));
  root.addCommand(checkCommand(root, () => env.toObject(), checked));
  return root;
}
