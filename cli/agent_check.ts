/**
 * `agent check`: has the agent program look, and passes on what it says.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { checkCodingAgent } from "@ourocodus/system";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { helpEnd } from "./shared_flags.ts";

/** `agent check`: says whether a coding agent can be run here. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (words, flags) =>
    done(await agentCheck({ ...flags, words }, console))
  );
}

function declare() {
  return new Command()
    .description(
      "Checks whether a coding agent can be run here: its program and version, its login, its modes, " +
        "its sandbox. For each thing missing it prints a command that helps. No model is asked.",
    )
    .usage("[options] NAME | --acp -- COMMAND [ARG...]")
    .argument(
      "[words...]",
      "claude, codex, gemini, opencode or qwen; with --acp, after --: a command",
    )
    .option("--acp", "check any other coding agent that speaks ACP, by its command after --")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      helpEnd(["agent check claude", "agent check codex --json", "agent check --acp -- my-agent"]),
    );
}

type Flags = FlagsOf<typeof declare> & { readonly words: readonly string[] };

/** Runs the command. */
function agentCheck(
  { words, acp, json }: Flags,
  console: Console,
): Promise<ExitCode> {
  return explainFailure(console, async () => {
    const flags = [...acp ? ["--acp"] : [], ...json ? ["--json"] : []];
    const code = await checkCodingAgent([...flags, "--", ...words], {
      environment: console.env.toObject?.() ?? {},
      onOutput: (text) => void console.out.write(text).catch(() => {}),
      onError: (text) => void console.err.write(text).catch(() => {}),
      signal: console.signal,
    });
    return code === EXIT.ok || code === EXIT.usage ? code : EXIT.failed;
  });
}
