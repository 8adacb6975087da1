import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `agent start`: starts agents in the background. */
export function agentStartCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("start")
    .summary("start agents in the background")
    .description(
      "Starts agents in the background, and waits until each is connected to a relay. With a command " +
        "they run it for each piece of work; without one they answer with what they got (echo).",
    )
    .argument("[command...]", "after --: the command and its arguments")
    .addOption(sessionFlag("whose work they take"))
    .addOption(roleFlag("which of its work they take"))
    .option("--count <number>", "how many agents, 1 to 1000", "1")
    .option("--concurrency <number>", "pieces of work at once, each agent, 1 to 1024", "1")
    .option("--name <name>", "what it is called here (default: its role and a number)")
    .option("--env <NAME=VALUE...>", "variables for its environment")
    .option("--drain <duration>", "how long work in hand may take when it is stopped; 25s")
    .option("--timeout <duration>", "how long the command may take")
    .option("--kill-after <duration>", "how long after SIGTERM it is killed")
    .option("--stdin <what>", "what it gets there: message (default), json or none")
    .option("--stdout <what>", "what it writes there: text (default) or json")
    .option(
      "--retry-on <codes>",
      "exit codes that give the work back, for example 75,111; default: none",
    )
    .option("--retry-delay <duration>", "when such work is handed out again")
    .option("--cwd <folder>", "the folder that it runs in (default: this one)")
    .option("--process", "as a background process, also when the system runs in Docker")
    .option("--docker", "in a container of its own (default when the system runs in Docker)")
    .option("--image <name>", "in Docker: the image (default: ourocodus-agent)")
    .option("--memory <size>", "in Docker: how much memory it may use, like 512MB")
    .option("--cpus <number>", "in Docker: how many processors it may use, like 0.5")
    .option("--relay <url>", "the relay (default: $RELAY_URL, else that of ourocodus start)")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "agent start --session test --role echo",
        "agent start --session docs --role count --count 3 -- wc -w",
        "agent start --session docs --role write --timeout 1h --env MODEL=large -- ./write.sh {id}",
      ], NOTES),
    );
  command.action(async (words, flags) => {
    const { agentStart } = await import("./agent_start.ts");
    done(await agentStart({ ...flags, command: words }, console));
  });
  return command as unknown as Command;
}

const NOTES = `In the command's arguments {message}, {id}, {session} and {role} are replaced. Agents
have the environment and the folder of this command. One that crashes is started again, unless it
had not been connected yet, or ended with exit code 0 or 2.

In Docker, an agent has a container of its own in the network of the system, which Docker starts
again when it ends: no privileges, a read-only file system with a /tmp, and of this command's
environment only what --env says. Folders of --cwd are the container's.`;
