import { Command, Option } from "@commander-js/extra-typings";
import { systemClock } from "./clock.ts";
import { OptionError } from "./errors.ts";

/**
 * `check`: looks whether a coding agent can be run here.
 *
 * @param root The program, whose settings it takes over.
 * @param env The environment that the coding agent would be run from.
 * @param done Told whether it can.
 */
export function checkCommand(
  root: Command,
  env: () => Readonly<Record<string, string>>,
  done: (ok: boolean) => void,
): Command {
  return new Command("check")
    .copyInheritedSettings(root)
    .summary("looks whether a coding agent can be run here")
    .description(
      "Looks whether a coding agent can be run here: program, version, login, modes, sandbox. What " +
        "is missing is said with a command that helps. No model is asked.",
    )
    .usage("[options] NAME | [options] --acp -- COMMAND [ARG...]")
    .argument(
      "[words...]",
      "claude, codex, gemini, opencode or qwen; with --acp, after --: a command",
    )
    .option("--acp", "any other coding agent that speaks ACP; its command is after --")
    .addOption(
      new Option("--permissions <level>", "what it is to be allowed")
        .choices(["all", "edits", "read", "none"] as const).default("edits" as const),
    )
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      `
Exit codes:
  0  it can be run
  1  something is missing
  2  the command line is wrong, as there is no such coding agent

Examples:
  $ deno run -A agent/main.ts check claude
  $ deno run -A agent/main.ts check --acp -- my-agent --flag`,
    )
    .action(async (words, { acp, permissions, json }) => {
      const [agent, ...rest] = words;
      if (agent === undefined || !acp && rest.length > 0) {
        throw new OptionError(
          `Give the name of one coding agent, or --acp -- COMMAND; given is ${
            JSON.stringify(words.join(" "))
          }`,
        );
      }
      const { lookAtAgent } = await import("./coding/mod.ts");
      const { lines } = await import("./coding/acp/mod.ts");
      const check = await lookAtAgent({
        ...acp ? { command: words } : { agent },
        ...{ permissions, inherited: env(), clock: systemClock },
      });
      console.log(json ? JSON.stringify(check) : lines(check).join("\n"));
      done(check.ok);
    }) as unknown as Command;
}
