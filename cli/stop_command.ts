import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { helpEnd } from "./shared_flags.ts";

/** `stop`: stops what `start` and `agent start` have started. */
export function stopCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("stop")
    .summary("stop the system and its agents")
    .description(
      "Stops what start and agent start have started here, and nothing else: agents first, which " +
        "finish what they have in hand, then the API, the relay, and nats-server. Waiting work and " +
        "results stay in the store for the next start, which starts the agents again, too.",
    )
    .option("--now", "don't let agents finish: what they have in hand is handed out again")
    .option("--timeout <duration>", "how long each may take before it is killed")
    .option("--docker", "the system in Docker; without it too, if it was started so")
    .option("--volumes", "in Docker: remove its volumes, with all waiting work and results")
    .addHelpText("after", helpEnd(["stop", "stop --now", "stop --timeout 2m", "stop --volumes"]));
  command.action(async (flags) => {
    const { stop } = await import("./stop.ts");
    done(await stop(flags, console));
  });
  return command as unknown as Command;
}
