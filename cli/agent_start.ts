/**
 * `agent start`: starts agents and waits until each is connected.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  type AgentPlace,
  type AgentsFacts,
  type AgentsWanted,
  agentToken,
  awaitConnected,
  checkAgents,
  DEFAULT_RELAY_URL,
  type DockerAgentOptions,
  type DockerRuntime,
  noneEnded,
  rememberAgents,
  runningSystem,
  Runtimes,
  type StartedAgents,
  SystemError,
} from "@ourocodus/system";
import type { Connection } from "@ourocodus/bus";
import { readSettings } from "@ourocodus/protocol";
import { agentsWanted } from "./agent_flags.ts";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { containerOptions, imageFor, refuseContainerFlags } from "./container_flags.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { connectNats } from "./nats.ts";
import { passedOptions } from "./passed_flags.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { runtimeContext } from "./runtime_context.ts";
import { RELAY_URL } from "./settings.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { paint } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";

/** `agent start`: starts agents in the background. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (words, flags) =>
    done(await agentStart({ ...flags, command: words }, console))
  );
}

function declare() {
  const command = new Command()
    .description(
      "Starts agents in the background, and waits until each is connected to a relay. With a command " +
        "they run it for each work item; with --agent or --acp a coding agent does the work, each " +
        "item in a git worktree of its own; without any they echo the work.",
    )
    .argument("[command...]", "after --: the command and its arguments")
    .addOption(sessionFlag("whose work they take"))
    .addOption(roleFlag("which of its work they take"))
    .option("--count <number>", "how many agents, 1 to 1000", "1")
    .option("--concurrency <number>", "work items at once, per agent, 1 to 1024", "1")
    .option("--name <name>", "its name here (default: its role and a number)")
    .option("--agent <name>", "a coding agent: claude, codex, gemini, opencode or qwen")
    .option("--acp", "the command is a coding agent that speaks ACP")
    .option("--env <variable...>", "a variable for it: NAME=VALUE, or NAME to pass it on")
    .option(
      "--drain <duration>",
      "how long running work may take when it is stopped (default: 25s)",
    )
    .option("--process", "as a background process, also when the system runs in Docker")
    .option("--docker", "in a container each (default when the system runs in Docker)")
    .option("--image <name>", "in Docker: the image (default: ourocodus-agent, or that of --agent)")
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
  return command;
}

const NOTES = `In the command's arguments {message}, {id}, {session} and {role} are replaced. Agents
have the environment and the folder of this command. An agent that crashes is started again, unless
it had not connected yet, or ended with exit code 0 or 2. After ourocodus stop, ourocodus start
starts agents again, except those with --forget and those that agent stop has stopped.

A coding agent gets only the variables that it needs, and those of --env and --env-file.
"ourocodus agent check NAME" tells whether it can be run here. Worktrees are in the home, under
worktrees/, or in the folder of --worktrees.

In Docker each agent has a container in the network of the system, without privileges, with a
read-only file system and a /tmp. Docker starts it again when it ends. It gets only the variables of
--env, and a coding agent those of --env-file. The folder of --cwd is the container's own; that of a
coding agent, and its repository and worktrees, are those of this machine.`;

type Flags = FlagsOf<typeof declare> & { readonly command: readonly string[] };

/**
 * Runs the command. Nothing is started if an agent could not do with its flags.
 *
 * @throws {UsageError} If a flag has a value that cannot be used.
 */
function agentStart(flags: Flags, console: Console): Promise<ExitCode> {
  const environment = console.env.toObject?.() ?? {};
  const asked = agentsWanted(flags, environment);
  if (flags.docker && flags.process) {
    throw new UsageError("give only one of --docker and --process");
  }
  return explainFailure(console, async () => {
    const context = runtimeContext(console);
    const { home } = context;
    const runtimes = await Runtimes.of(context);
    const docker = flags.process ? undefined : runtimes.docker;
    if (flags.docker && docker === undefined) {
      throw new SystemError(
        `No system was started in Docker from ${home.folder}: "ourocodus start --docker" does, or ` +
          `start the agent with --process`,
      );
    }
    const named = { ...asked, token: await agentToken(console.env, home, asked) };
    const relay = docker === undefined ? await relayOf(flags, console) : undefined;
    if (docker === undefined) refuseContainerFlags(flags);
    const check = await checkAgents(named, {
      ...{ environment, home: home.folder, relay },
      inContainer: docker !== undefined,
    });
    if (check.kind === "wrong") throw new UsageError(check.reason);
    const wanted = {
      ...named,
      args: settledArguments(named.args, check.facts, { inContainer: docker !== undefined }),
    };
    await using connection = await connectNats(console, { url: flags.nats });
    const place = docker === undefined
      ? processPlace(relay)
      : await containerPlace(docker, flags, check.facts);
    const started = await runtimes.start(wanted, place);
    try {
      await untilConnected(connection, started, wanted, console);
    } catch (error) {
      await started.undo();
      throw error;
    }
    if (!flags.forget) {
      const { token: _, ...remembered } = wanted;
      const variables = docker === undefined ? check.facts.variables : wanted.passedEnv;
      await rememberAgents(
        home,
        started.agents.map((agent) => ({
          ...{ ...agent, wanted: remembered, runtime: place, variables },
        })),
      );
    }
    return EXIT.ok;
  });
}

/**
 * Settles for a coding agent what its flags leave open: the folder for worktrees, so that it stays
 * the same wherever the home goes; and that in a container, which is a box already, it needs no
 * other, and has a home that outlives it.
 */
function settledArguments(
  args: readonly string[],
  { worktrees }: AgentsFacts,
  { inContainer }: { readonly inContainer: boolean },
): readonly string[] {
  const [kind = "", ...rest] = args;
  if (kind !== "coding") return args;
  // What is after "--" is the coding agent's own.
  const given = new Set(rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest);
  const settled = [
    ...worktrees !== undefined && !given.has("--worktrees") ? ["--worktrees", worktrees] : [],
    ...inContainer && !given.has("--sandbox") ? ["--sandbox", "none"] : [],
    ...inContainer && worktrees !== undefined && !given.has("--isolated-home")
      ? ["--isolated-home"]
      : [],
  ];
  return [kind, ...settled, ...rest];
}

interface Relay {
  readonly url: string;
  readonly isFlag: boolean;
  readonly isOwn: boolean;
}

function processPlace(relay: Relay | undefined): AgentPlace {
  const url = relay?.isOwn ? {} : { relayUrl: relay?.url };
  return { kind: "process", cwd: Deno.cwd(), ...url };
}

/** The relay of agents that run as processes; whether a flag says it, or it is this home's. */
async function relayOf(
  { relay }: Flags,
  console: Console,
): Promise<Relay> {
  if (relay !== undefined) return { url: relay, isFlag: true, isOwn: false };
  const { url } = readSettings({ url: RELAY_URL }, console.env);
  if (url !== undefined) return { url, isFlag: false, isOwn: false };
  const own = (await runningSystem(console.env))?.relayUrl;
  return { url: own ?? DEFAULT_RELAY_URL, isFlag: false, isOwn: own !== undefined };
}

async function containerPlace(
  docker: DockerRuntime,
  flags: Flags,
  facts: AgentsFacts,
): Promise<AgentPlace> {
  if (flags.relay !== undefined) {
    throw new UsageError("--relay goes with --process: in Docker it is the system's own");
  }
  const image = imageFor(docker.record, flags, facts);
  const options = { ...containerOptions(flags, image), ...await ownFiles(facts) };
  if (flags.image === undefined && image !== undefined) await docker.ensureImage(image);
  return { kind: "docker", options };
}

/** The files of this machine that a container needs, and whose processes may write to them. */
async function ownFiles(
  { writable, readable, worktrees }: AgentsFacts,
): Promise<Pick<DockerAgentOptions, "mounts" | "user">> {
  if (writable.length === 0 && readable.length === 0) return {};
  if (worktrees !== undefined) await Deno.mkdir(worktrees, { recursive: true, mode: 0o700 });
  return {
    mounts: [
      ...writable.map((path) => ({ path, writable: true })),
      ...readable.map((path) => ({ path, writable: false })),
    ],
    user: `${Deno.uid()}:${Deno.gid()}`,
  };
}

async function untilConnected(
  connection: Connection,
  started: StartedAgents,
  { session, role }: AgentsWanted,
  console: Console,
): Promise<void> {
  const colors = paint(console.out.hasColor);
  const names = new Map(started.agents.map(({ id, name }) => [id, name]));
  try {
    await awaitConnected(connection, {
      session,
      role,
      ids: new Map(started.agents.map(({ id }) => [id, undefined])),
      check: () => noneEnded(started),
      onConnected: ({ agent_id, relay_id }) =>
        void console.out.write(
          `${colors.green("✓")} ${names.get(agent_id)} connected to ${relay_id}: ` +
            `session ${session}, role ${role}\n`,
        ),
      signal: console.signal,
    });
  } catch (error) {
    if (!(error instanceof SystemError) || error.lines.length > 0) throw error;
    // A token may stand in its query.
    const relay = started.relayUrl.replaceAll(/\?[^,\s]*/g, "");
    throw new SystemError(`${error.message} (relay: ${relay}). The end of a log:`, {
      lines: await started.logEnd(),
    });
  }
  await started.ready();
}
