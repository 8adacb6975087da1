/**
 * `agent start`: starts agents and waits until each is connected.
 *
 * @module
 */
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
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { connectNats } from "./nats.ts";
import { type AgentFlags, agentsWanted } from "./agent_flags.ts";
import {
  type ContainerFlags,
  containerOptions,
  imageFor,
  refuseContainerFlags,
} from "./container_flags.ts";
import { explainFailure } from "./explain_failure.ts";
import { runtimeContext } from "./runtime_context.ts";
import { paint } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";

/** The command line of `agent start`. */
export interface AgentStartFlags extends AgentFlags, ContainerFlags {
  readonly docker?: true;
  readonly process?: true;
  readonly relay?: string;
  readonly nats?: string;
  readonly forget?: true;
}

/**
 * Runs the command. Nothing is started if an agent could not do with its flags.
 *
 * @throws {UsageError} If a flag has a value that cannot be used.
 */
export function agentStart(flags: AgentStartFlags, console: Console): Promise<ExitCode> {
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
    await using connection = await natsOf(flags, console);
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
  { relay }: AgentStartFlags,
  console: Console,
): Promise<Relay> {
  if (relay !== undefined) return { url: relay, isFlag: true, isOwn: false };
  const variable = console.env.get("RELAY_URL")?.trim();
  if (variable) return { url: variable, isFlag: false, isOwn: false };
  const own = (await runningSystem(console.env))?.relayUrl;
  return { url: own ?? DEFAULT_RELAY_URL, isFlag: false, isOwn: own !== undefined };
}

async function containerPlace(
  docker: DockerRuntime,
  flags: AgentStartFlags,
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

/** Connects to NATS, which knows the relays; says what to do where there is none. */
async function natsOf(flags: AgentStartFlags, console: Console): Promise<Connection> {
  try {
    return await connectNats(console, { url: flags.nats });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ConnectError") throw error;
    throw new SystemError(`${error.message}. "ourocodus start" starts one`, { cause: error });
  }
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
