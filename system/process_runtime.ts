/**
 * Agents that run as background processes of this machine, and the system next to them.
 *
 * @module
 */
import { pause } from "@ourocodus/protocol";
import { basename, join } from "node:path";
import { type ManagedAgent, managedProcess } from "./agent_rows.ts";
import { type AgentName, agentNames, type AgentsWanted, agentVariables } from "./agents_wanted.ts";
import { failure, takeDown } from "./bring_up.ts";
import {
  type ControlClient,
  ensureSupervisor,
  findSupervisor,
  SHOWN_LINES,
} from "./control_client.ts";
import { type Home, logPath } from "./home.ts";
import type { StopOptions } from "./kept_process.ts";
import { followLog, lastLines, sizeOf } from "./log_file.ts";
import { partStatus, supervisorStatus } from "./part_status.ts";
import type { ProcessSpec, ProcessView } from "./process_spec.ts";
import { program } from "./programs.ts";
import { runningSystem } from "./running_system.ts";
import type {
  BeginStopOptions,
  EndedAgent,
  ProcessPlace,
  RestartedAgents,
  Runtime,
  RuntimeContext,
  RuntimeLog,
  RuntimeStatus,
  StartedAgents,
  StopAgentsOptions,
} from "./runtime.ts";
import { SystemError } from "./system_error.ts";
import { lookAtSystem } from "./system_look.ts";
import { partEnvironment, SYSTEM_PARTS } from "./system_parts.ts";

/** How long storing answers and closing may take after the time to finish, in milliseconds. */
const CLOSING_MS = 10_000;
/** How often another `agent start` may take the same names before ours. */
const NAME_TRIES = 5;
const LOOK_MS = 50;

/** The relay of agents for which nothing says another. */
export const DEFAULT_RELAY_URL = "ws://localhost:8080";

interface StartedProcess extends AgentName {
  /** Its log, and where in it this run begins. */
  readonly log: string;
  readonly logFrom: number;
}

/** Runs agents and the system as processes of this machine. */
export class ProcessRuntime implements Runtime<ProcessPlace> {
  readonly #context: RuntimeContext;

  constructor(context: RuntimeContext) {
    this.#context = context;
  }

  async list(): Promise<readonly ManagedAgent[]> {
    const { processes } = await lookAtSystem(this.#context.home);
    return processes.flatMap((view) => managedProcess(view) ?? []);
  }

  async start(
    wanted: AgentsWanted,
    place: ProcessPlace,
    names?: readonly AgentName[],
  ): Promise<StartedAgents> {
    const client = await this.#supervisor();
    const relayUrl = await this.#relayOf(place);
    for (let tries = 1;; tries++) {
      const named = names ?? agentNames(wanted, await namesOf(client));
      const specs = named.map((agent) => this.#spec(wanted, agent, place, relayUrl));
      const agents = await startedProcesses(specs);
      try {
        await client.ask({ type: "start", specs, environment: this.#environment });
        return startedAgents(client, agents, relayUrl);
      } catch (error) {
        const isNamed = names !== undefined || wanted.name !== undefined && wanted.count === 1;
        if (isNamed || tries >= NAME_TRIES) throw error;
      }
    }
  }

  async keep(
    agents: readonly AgentName[],
    wanted: AgentsWanted,
    place: ProcessPlace,
    reason: string,
  ): Promise<void> {
    const client = await this.#supervisor();
    const relayUrl = await this.#relayOf(place);
    const specs = agents.map((agent) => this.#spec(wanted, agent, place, relayUrl));
    await client.ask({ type: "keep", specs, reason });
  }

  async stop(
    agents: readonly ManagedAgent[],
    { onStopped, ...options }: StopAgentsOptions,
  ): Promise<void> {
    // Those whose supervisor was killed are taken over first.
    const client = await this.#supervisor();
    const byName = new Map(agents.map((agent) => [agent.name, agent]));
    const views = (await client.list() ?? []).filter(({ spec }) => byName.has(spec.name));
    await client.ask({ type: "stop", names: views.map(({ spec }) => spec.name), options });
    await untilStopped(client, views, {
      signal: this.#context.signal,
      async onStopped(name) {
        const agent = byName.get(name);
        if (agent !== undefined) await onStopped(agent);
      },
    });
  }

  async beginStop({ name }: ManagedAgent, { now }: BeginStopOptions): Promise<boolean> {
    const supervisor = await findSupervisor(this.#context.home);
    await supervisor?.ask({ type: "stop", names: [name ?? ""], options: { now } });
    return supervisor !== undefined;
  }

  async restart(
    agents: readonly ManagedAgent[],
    options: StopOptions,
  ): Promise<RestartedAgents> {
    const client = await this.#supervisor();
    const names = agents.flatMap(({ name }) => name ?? []);
    const earlier = (await client.list() ?? []).filter(({ spec }) => names.includes(spec.name));
    const restarted = await startedProcesses(earlier.map(({ spec }) => spec));
    const relayUrl = (await runningSystem(this.#context.env))?.relayUrl;
    const specs = relayUrl === undefined ? [] : earlier.map(({ spec }) => atRelay(spec, relayUrl));
    const environment = this.#environment;
    await client.ask({ type: "restart", names, specs, environment, options });
    await untilNew(client, earlier, this.#context.signal);
    return startedAgents(client, restarted, relayUrl ?? "");
  }

  async logs(
    { agentsOnly = false }: { readonly agentsOnly?: boolean } = {},
  ): Promise<readonly RuntimeLog[]> {
    const { home } = this.#context;
    const agents = await this.list().catch((error) => {
      // Logs are there to be read also where a supervisor does not answer.
      if (error instanceof SystemError) return [];
      throw error;
    });
    const ids = new Map(agents.map(({ name, id }) => [name, id]));
    return [
      ...agentsOnly ? [] : await logsIn(home.logs),
      ...(await logsIn(join(home.logs, "agents")))
        .map((log) => ({ ...log, agentId: ids.get(log.name) })),
    ];
  }

  async status(): Promise<RuntimeStatus> {
    const look = await lookAtSystem(this.#context.home);
    // All at once: each of those that do not answer takes its time.
    const parts = await Promise.all(SYSTEM_PARTS.map((part) => partStatus(part, look)));
    const [nats] = parts;
    return {
      runtime: "process",
      supervisor: supervisorStatus(look),
      parts,
      natsUrl: nats?.status === "healthy" ? `nats://127.0.0.1:${nats.port}` : undefined,
    };
  }

  get #environment(): Readonly<Record<string, string>> {
    return this.#context.env.toObject?.() ?? {};
  }

  #supervisor(): Promise<ControlClient> {
    return ensureSupervisor(this.#context.home, partEnvironment(this.#environment));
  }

  async #relayOf({ relayUrl }: ProcessPlace): Promise<string> {
    return relayUrl ?? (await runningSystem(this.#context.env))?.relayUrl ?? DEFAULT_RELAY_URL;
  }

  /** With what an agent's process is started. */
  #spec(
    wanted: AgentsWanted,
    { name, id }: AgentName,
    place: ProcessPlace,
    relayUrl: string,
  ): ProcessSpec {
    const { command, args } = program("agent");
    const { session, role, concurrency } = wanted;
    const atOwnRelay = place.relayUrl === undefined;
    return {
      name,
      kind: "agent",
      rank: SYSTEM_PARTS.length,
      command,
      args: [...args, ...wanted.args],
      env: { ...agentVariables(wanted, id), RELAY_URL: relayUrl },
      cwd: place.cwd,
      log: logPath(this.#context.home, name, "agent"),
      stopMs: wanted.drainMs + CLOSING_MS,
      agent: { id, session, role, concurrency, ...(atOwnRelay && { atOwnRelay }) },
    };
  }
}

/** What an agent is from now on that is started anew, where this home's relay listens elsewhere. */
function atRelay(spec: ProcessSpec, relayUrl: string): ProcessSpec {
  return spec.agent?.atOwnRelay ? { ...spec, env: { ...spec.env, RELAY_URL: relayUrl } } : spec;
}

/** The log of a process. */
export function fileLog(name: string, path: string): RuntimeLog {
  return {
    ...{ kind: "process", name, id: path },
    position: () => sizeOf(path),
    last: (count) => lastLines(path, count),
    follow: (from, signal) => followLog(path, from, signal),
  };
}

/** Where the logs in a home end now. */
export async function logEnds(home: Home): Promise<Map<string, number>> {
  const logs = [...await logsIn(home.logs), ...await logsIn(join(home.logs, "agents"))];
  return new Map(
    await Promise.all(
      logs.map(async (log) => [log.id, await log.position()] as const),
    ),
  );
}

/**
 * Waits until processes are not kept any more, those of the highest rank first.
 *
 * @param options `onStopped`: told of each.
 */
export async function untilStopped(
  client: ControlClient,
  views: readonly ProcessView[],
  { onStopped, signal }: {
    readonly onStopped: (name: string) => Promise<void>;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  let left = [...views].sort((one, other) => other.spec.rank - one.spec.rank);
  while (left.length > 0) {
    signal?.throwIfAborted();
    const names = await namesOf(client);
    for (const { spec } of left.filter(({ spec }) => !names.has(spec.name))) {
      await onStopped(spec.name);
    }
    left = left.filter(({ spec }) => names.has(spec.name));
    if (left.length > 0) await pause(LOOK_MS, signal);
  }
}

/** The names of all that a supervisor keeps. */
async function namesOf(client: ControlClient): Promise<ReadonlySet<string>> {
  return new Set((await client.list())?.map(({ spec }) => spec.name));
}

/** Waits until none is what it was before. */
async function untilNew(
  client: ControlClient,
  earlier: readonly ProcessView[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const now = new Map((await client.list() ?? []).map((view) => [view.spec.name, view]));
    const old = earlier.filter(({ spec, startedAt }) =>
      now.get(spec.name)?.startedAt === startedAt
    );
    if (old.length === 0) return;
    await pause(LOOK_MS, signal);
  }
}

function startedProcesses(specs: readonly ProcessSpec[]): Promise<StartedProcess[]> {
  return Promise.all(
    specs.map(async ({ name, log, agent }) => ({
      ...{ name, id: agent?.id ?? "", log },
      logFrom: await sizeOf(log),
    })),
  );
}

function startedAgents(
  client: ControlClient,
  agents: readonly StartedProcess[],
  relayUrl: string,
): StartedAgents {
  const all = agents.map(({ name }) => name);
  return {
    agents: agents.map(({ name, id }) => ({ name, id })),
    relayUrl,
    async ended() {
      const views = new Map((await client.list() ?? []).map((view) => [view.spec.name, view]));
      const ends = await Promise.all(agents.map(async ({ name, id, logFrom }) => {
        const error = await endOf(name, views.get(name), logFrom);
        return error === undefined ? [] : [{ name, id, error } satisfies EndedAgent];
      }));
      return ends.flat();
    },
    async ready(names) {
      await client.ask({ type: "ready", names: names === undefined ? all : [...names] });
    },
    undo: () => takeDown(client, all),
    async logEnd() {
      const [first] = agents;
      return first ? await lastLines(first.log, SHOWN_LINES, { from: first.logFrom }) : [];
    },
  };
}

async function endOf(
  name: string,
  view: ProcessView | undefined,
  logFrom: number,
): Promise<SystemError | undefined> {
  if (view === undefined) return new SystemError(`${name} was stopped meanwhile`);
  return view.status === "exited" ? await failure(view, logFrom) : undefined;
}

/** The logs in a folder, sorted by name. */
async function logsIn(folder: string): Promise<RuntimeLog[]> {
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && name.endsWith(".log")) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort().map((name) => fileLog(basename(name, ".log"), join(folder, name)));
}
