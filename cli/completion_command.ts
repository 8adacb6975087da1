import { Argument, Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";

/** `completion`: prints a script that completes commands and flags in a shell. */
export function completionCommand(
  console: Console,
  done: (code: ExitCode) => void,
  root: () => Command,
): Command {
  const command = new Command("completion")
    .description("Prints a script that completes commands and flags.")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"] as const))
    .addHelpText("after", HELP);
  command.action(async (shell) => {
    const { completionScript } = await import("./completion.ts");
    await console.out.write(completionScript(root(), shell));
    done(EXIT.ok);
  });
  return command as unknown as Command;
}

const HELP = `
Examples:
  $ source <(ourocodus completion bash)                    # in ~/.bashrc
  $ source <(ourocodus completion zsh)                     # in ~/.zshrc, after compinit
  $ ourocodus completion fish > ~/.config/fish/completions/ourocodus.fish

They complete the name "ourocodus". To have it as a command, in a clone:
  $ deno install -g -A -n ourocodus --config deno.json cli/main.ts`;
