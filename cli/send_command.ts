import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { sendWorkCommand } from "./send_work_command.ts";

/** `send`: what can be sent. */
export function sendCommand(console: Console, done: (code: ExitCode) => void): Command {
  return new Command("send")
    .description("Sends work to agents.")
    .addCommand(sendWorkCommand(console, done)) as unknown as Command;
}
