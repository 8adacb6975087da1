import { Command } from "@commander-js/extra-typings";
import { agentCheckCommand } from "./agent_check_command.ts";
import { agentListCommand } from "./agent_list_command.ts";
import { agentLogsCommand } from "./agent_logs_command.ts";
import { agentRestartCommand } from "./agent_restart_command.ts";
import { agentStartCommand } from "./agent_start_command.ts";
import { agentStopCommand } from "./agent_stop_command.ts";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";

/** `agent`: agents on this machine. */
export function agentCommand(console: Console, done: (code: ExitCode) => void): Command {
  return new Command("agent")
    .description("Checks, starts, lists and stops agents.")
    .addCommand(agentCheckCommand(console, done))
    .addCommand(agentStartCommand(console, done))
    .addCommand(agentListCommand(console, done))
    .addCommand(agentStopCommand(console, done))
    .addCommand(agentRestartCommand(console, done))
    .addCommand(agentLogsCommand(console, done)) as unknown as Command;
}
