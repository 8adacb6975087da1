import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { passedOptions } from "./passed_flags.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `agent start`: starts agents in the background. */
export function agentStartCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("start")
    .summary("start agents in the background")
    .description(
      "Starts agents in the background, and waits until each is connected to a relay. With a command " +
        "they run it for each piece of work; with --agent or --acp they have a coding agent do it, in " +
        "a git worktree of its own; without any they answer with what they got (echo).",
    )
    .argument("[command...]", "after --: the command and its arguments")
    .addOption(sessionFlag("whose work they take"))
    .addOption(roleFlag("which of its work they take"))
    .option("--count <number>", "how many agents, 1 to 1000", "1")
    .option("--concurrency <number>", "pieces of work at once, each agent, 1 to 1024", "1")
    .option("--name <name>", "what it is called here (default: its role and a number)")
    .option("--agent <name>", "a coding agent: claude, codex, gemini, opencode or qwen")
    .option("--acp", "the command is a coding agent that speaks ACP")
    .option("--env <variable...>", "for its environment: NAME=VALUE, or NAME for its value here")
    .option("--drain <duration>", "how long work in hand may take when it is stopped; 25s")
    .option("--process", "as a background process, also when the system runs in Docker")
    .option("--docker", "in a container of its own (default when the system runs in Docker)")
    .option("--image <name>", "in Docker: the image (default: ourocodus-agent)")
    .option("--memory <size>", "in Docker: how much memory it may use, like 512MB")
    .option("--cpus <number>", "in Docker: how many processors it may use, like 0.5")
    .option("--relay <url>", "the relay (default: $RELAY_URL, else that of ourocodus start)")
    .option("--forget", "don't start them again after ourocodus stop and start")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "agent start --session test --role echo",
        "agent start --session docs --role count --count 3 -- wc -w",
        "agent start --session docs --role write --timeout 1h --env MODEL=large -- ./write.sh {id}",
        "agent start --session shop --role coder --agent claude --repo ~/code/shop --count 3",
        "agent start --session shop --role review --acp --repo ~/code/shop -- my-agent --flag",
      ], NOTES),
    );
  for (const option of passedOptions()) command.addOption(option);
  command.action(async (words, flags) => {
    const { agentStart } = await import("./agent_start.ts");
    done(await agentStart({ ...flags, command: words }, console));
  });
  return command as unknown as Command;
}

const NOTES = `In the command's arguments {message}, {id}, {session} and {role} are replaced. Agents
have the environment and the folder of this command. One that crashes is started again, unless it
had not been connected yet, or ended with exit code 0 or 2. After ourocodus stop, ourocodus start
starts them again, until agent stop; not with --forget.

A coding agent has of the environment only what it needs, and what --env and --env-file say.
"ourocodus agent check NAME" tells whether it can be run here. Worktrees are in the home, under
worktrees/, unless --worktrees says where.

In Docker, an agent has a container of its own in the network of the system, which Docker starts
again when it ends: no privileges, a read-only file system with a /tmp, and of this command's
environment only what --env says. Folders of --cwd are the container's.`;
