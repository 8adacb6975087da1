import type { Command } from "@commander-js/extra-typings";
import { SettingError } from "@ourocodus/protocol";
import { agentCommand, agentFlags, SETTINGS_HELP } from "./agent_flags.ts";
import { echoHandler } from "./echo.ts";
import type { RunAgent } from "./run_agent.ts";

/** `echo`: answers work with its own payload. */
export function echoCommand(root: Command, run: RunAgent): Command {
  return agentCommand(root, "echo")
    .summary("answers work with its own payload (the default)")
    .description("Answers work with its own payload.")
    .addHelpText("after", `\n${SETTINGS_HELP}\n\n${EXAMPLES}`)
    // As the default command, it is given the names of commands that there are not.
    .allowExcessArguments()
    .action(async (options, command) => {
      const [unknown] = command.args;
      if (unknown !== undefined) {
        throw new SettingError(
          `unknown command "${unknown}", there are echo, exec, coding and check`,
        );
      }
      const handler = options.dryRun === undefined ? echoHandler : undefined;
      await run({ flags: agentFlags(options), handler });
    }) as unknown as Command;
}

const EXAMPLES = `Examples:
  $ deno run -A agent/main.ts --session test --role echo
  $ SESSION_ID=test ROLE=echo deno task agent`;
