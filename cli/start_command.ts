import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { helpEnd } from "./shared_flags.ts";

/** `start`: starts the system on this machine. */
export function startCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("start")
    .summary("start nats-server, a relay and the API on this machine")
    .description(
      "Starts nats-server, a relay, and the API with its monitor in the background, and waits until " +
        "all are healthy, and the agents again that were there before stop. What crashes is started " +
        "again. What an earlier start left running is taken over.",
    )
    .option("--docker", "in Docker instead, with compose.yaml; see below")
    .option("--foreground", "keep it in this terminal, with its logs, until Ctrl-C")
    .option("--nats-port <port>", "the port of nats-server (default: 4222)")
    .option("--port <port>", "the port on which the relay listens for agents (default: 8080)")
    .option("--api-port <port>", "the port of the API and the monitor (default: 9000)")
    .option("--host <address>", "the address on which the relay listens (default: 127.0.0.1)")
    .option("--no-agents", "without the agents that were there before; the next start has them")
    .addHelpText(
      "after",
      helpEnd([
        "start",
        "start --nats-port 4333 --port 8181 --api-port 9191",
        "start --foreground",
        "start --docker",
      ], NOTES),
    );
  command.action(async (flags) => {
    const { start } = await import("./start.ts");
    done(await start(flags, console));
  });
  return command as unknown as Command;
}

const NOTES = `State, logs and NATS' store are in .ourocodus/ of the project (the nearest folder
upwards that has one, else where .git is, else the current one), or in $OUROCODUS_HOME. Other
commands find the system there, also on other ports, unless --nats or NATS_URL says where NATS is.

Relay and API get their settings (LOG_LEVEL, MAX_DELIVER, OUROCODUS_LOG_MAX_AGE, …) from the environment
of this command. NATS_SERVER names the nats-server to use.

Agents that agent start has started are started again, with the environment of this command and the
variables that were given to them then. One that cannot run any more is named, and is no reason to
fail. "agent stop" forgets an agent.

With --docker, "docker compose" starts it (v1's docker-compose where that is all there is), as the
project "ourocodus" or $COMPOSE_PROJECT_NAME; images that are missing are built. From then on
status, stop, logs and agent start are about the system in Docker, until stop.`;
