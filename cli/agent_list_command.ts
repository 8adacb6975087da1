import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `agent list`: says which agents there are. */
export function agentListCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("list")
    .alias("ls")
    .summary("list agents, those started elsewhere too")
    .description(
      "Lists the agents that were started here, and those that relays know from elsewhere.",
    )
    .addOption(sessionFlag("only this session's"))
    .option("--watch", "again and again, until Ctrl-C")
    .option("--json", "a line of JSON each time: a list")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["agent list", "agent list -s docs --watch", "agent list --json | jq"], NOTES),
    );
  command.action(async (flags) => {
    const { agentList } = await import("./agent_list.ts");
    done(await agentList(flags, console));
  });
  return command as unknown as Command;
}

const NOTES =
  `Status: starting (it runs, and was not connected yet), connected, disconnected (it runs,
and has lost its relay) and exited(CODE), or the signal. IN HAND is how many pieces of work it has,
and takes at most.

With --json an agent is {"name", "id", "session", "role", "runtime", "status", "exit",
"concurrency", "in_hand", "pid", "container", "restarts", "since"}; runtime is process, docker or
external, and "name" is null for an external one.`;
