import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { helpEnd } from "./shared_flags.ts";

/** `agent check`: says whether a coding agent can be run here. */
export function agentCheckCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("check")
    .summary("say whether a coding agent can be run here, and what is missing")
    .description(
      "Looks whether a coding agent can be run here: its program and version, its login, its modes, " +
        "its sandbox. What is missing is said with a command that helps. No model is asked.",
    )
    .usage("[options] NAME | --acp -- COMMAND [ARG...]")
    .argument(
      "[words...]",
      "claude, codex, gemini, opencode or qwen; with --acp, after --: a command",
    )
    .option("--acp", "any other coding agent that speaks ACP; its command is after --")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      helpEnd(["agent check claude", "agent check codex --json", "agent check --acp -- my-agent"]),
    );
  command.action(async (words, flags) => {
    const { agentCheck } = await import("./agent_check.ts");
    done(await agentCheck({ ...flags, words }, console));
  });
  return command as unknown as Command;
}
