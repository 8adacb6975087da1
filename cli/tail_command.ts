import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { tailEventsCommand } from "./tail_events_command.ts";
import { tailResultsCommand } from "./tail_results_command.ts";

/** `tail`: what can be followed. */
export function tailCommand(console: Console, done: (code: ExitCode) => void): Command {
  return new Command("tail")
    .description("Prints results or events, and follows.")
    .addCommand(tailResultsCommand(console, done))
    .addCommand(tailEventsCommand(console, done)) as unknown as Command;
}
