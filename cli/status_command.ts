import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { helpEnd } from "./shared_flags.ts";

/** `status`: says how the system is. */
export function statusCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("status")
    .summary("say how the system is, what waits, and who is connected")
    .description(
      "Says how each part of the system is, how much is in the streams, and which agents there are. " +
        "The exit code is 1 if a part is not healthy, or nothing runs.",
    )
    .option("--docker", "the system in Docker; without it too, if it was started so")
    .option("--json", "print JSON")
    .addHelpText("after", helpEnd(["status", "status --json | jq .streams"], NOTES));
  command.action(async (flags) => {
    const { status } = await import("./status.ts");
    done(await status(flags, console));
  });
  return command as unknown as Command;
}

const NOTES =
  `With --json it prints {"healthy", "home", "runtime", "supervisor", "parts", "streams",
"relays", "problems", "agents"}. A part is {"name", "status", "port", "pid", "container", "since",
"version", "restarts"}; its status is healthy, unhealthy (it runs, and does not answer as it
should), starting (it was started a few seconds ago, and was not healthy yet), restarting or down.
"supervisor" is null in Docker. "streams" is null if NATS cannot be asked, "relays" is how many
relays answered, or null, "problems" is what relays say that they cannot do, and "agents" is what
agent list --json prints: where no relay answered, whether one is connected is not known.`;
