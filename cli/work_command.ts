import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { workApplyCommand } from "./work_apply_command.ts";
import { workCancelCommand } from "./work_cancel_command.ts";
import { workDiffCommand } from "./work_diff_command.ts";
import { workListCommand } from "./work_list_command.ts";
import { workWaitCommand } from "./work_wait_command.ts";

/** `work`: pieces of work that were sent. */
export function workCommand(console: Console, done: (code: ExitCode) => void): Command {
  return new Command("work")
    .description("Lists, waits for and cancels work that was sent, and brings in what it changed.")
    .addCommand(workListCommand(console, done))
    .addCommand(workWaitCommand(console, done))
    .addCommand(workDiffCommand(console, done))
    .addCommand(workApplyCommand(console, done))
    .addCommand(workCancelCommand(console, done)) as unknown as Command;
}
