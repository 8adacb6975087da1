/**
 * Agents that run in containers of their own.
 *
 * @module
 */
import type { ManagedAgent } from "./agent_rows.ts";
import { type AgentName, agentNames, type AgentsWanted, agentVariables } from "./agents_wanted.ts";
import { containerLogEnd } from "./container_logs.ts";
import { type ContainerState, type DockerEngine, findContainers } from "./docker_engine.ts";
import type { DockerRecord } from "./docker_record.ts";
import type { StopOptions } from "./kept_process.ts";
import type { StartedAgents } from "./started_agents.ts";
import { SystemError } from "./system_error.ts";

/** How an agent's container is to be. */
export interface DockerAgentOptions {
  readonly image: string;
  /** Bytes; undefined is no limit. */
  readonly memoryBytes: number | undefined;
  /** Processors, say 0.5; undefined is no limit. */
  readonly cpus: number | undefined;
  /** Files and folders of this machine that it has at the same paths. */
  readonly mounts?: readonly AgentMount[];
  /** User and group of its processes, `1000:1000`, so that what they write is the user's. */
  readonly user?: string;
}

/** A file or folder of this machine, absolute, in a container. */
export interface AgentMount {
  readonly path: string;
  readonly writable: boolean;
}

interface StartedContainer extends AgentName {
  readonly container: string;
}

/** The labels of our agents' containers. */
const LABEL = {
  project: "ourocodus.project",
  name: "ourocodus.agent",
  id: "ourocodus.agent_id",
  session: "ourocodus.session",
  role: "ourocodus.role",
  concurrency: "ourocodus.concurrency",
} as const;

/** Where the relay is, in the network of the compose project. */
const RELAY_URL = "ws://relay:8080";
/** How long storing answers and closing may take after the time to finish, in seconds. */
const CLOSING_SECONDS = 10;

/**
 * Makes the containers and starts them. If one cannot be, those before it are removed again.
 *
 * @param names Of agents that were started before; new ones by default.
 */
export async function startContainers(
  engine: DockerEngine,
  record: DockerRecord,
  wanted: AgentsWanted,
  options: DockerAgentOptions,
  names?: readonly AgentName[],
): Promise<StartedAgents> {
  const network = await projectNetwork(engine, record);
  const there = await dockerAgents(engine, record);
  const taken = new Set(there.flatMap(({ name }) => name ?? []));
  const started: StartedContainer[] = [];
  try {
    for (const agent of names ?? agentNames(wanted, taken)) {
      const config = containerConfig(record, wanted, agent, { ...options, network });
      const container = await create(engine, config, agent.name, options.image);
      started.push({ ...agent, container: container.id });
      await container.start();
    }
    return startedAgents(engine, started);
  } catch (error) {
    await removeAll(engine, started);
    throw error;
  }
}

function startedAgents(
  engine: DockerEngine,
  agents: readonly StartedContainer[],
): StartedAgents {
  return {
    agents,
    relayUrl: RELAY_URL,
    async check() {
      for (const { name, container } of agents) await checkRuns(engine, name, container);
    },
    // Not before: one that cannot work would be started again for ever.
    async ready() {
      const kept = { RestartPolicy: { Name: "unless-stopped" } };
      await Promise.all(agents.map((one) => engine.getContainer(one.container).update(kept)));
    },
    undo: () => removeAll(engine, agents),
    async logEnd() {
      const [first] = agents;
      return first ? await containerLogEnd(engine, first.container) : [];
    },
  };
}

/** @throws {SystemError} If an agent's container has ended; with the end of its log. */
export async function checkRuns(
  engine: DockerEngine,
  name: string,
  container: string,
): Promise<void> {
  const { State: { Status, ExitCode } } = await engine.getContainer(container).inspect();
  if (Status !== "exited" && Status !== "dead") return;
  throw new SystemError(`${name} ended with exit code ${ExitCode}. The end of its log:`, {
    lines: await containerLogEnd(engine, container),
  });
}

async function removeAll(
  engine: DockerEngine,
  agents: readonly StartedContainer[],
): Promise<void> {
  await Promise.all(agents.map(({ container }) => removeAgent(engine, container, { now: true })));
}

/** The agents in containers of a project. */
export async function dockerAgents(
  engine: DockerEngine,
  record: DockerRecord,
): Promise<ManagedAgent[]> {
  return (await findContainers(engine, { [LABEL.project]: record.project })).map(managedContainer);
}

/** Stops an agent's container and removes it. */
export async function removeAgent(
  engine: DockerEngine,
  container: string,
  options: StopOptions,
): Promise<void> {
  const handle = engine.getContainer(container);
  await handle.stop({ t: await graceSeconds(engine, container, options) }).catch(notNews);
  await handle.remove({ force: true, v: true }).catch(notNews);
}

/** Restarts an agent's container. */
export async function restartAgent(
  engine: DockerEngine,
  container: string,
  options: StopOptions,
): Promise<void> {
  await engine.getContainer(container)
    .restart({ t: await graceSeconds(engine, container, options) });
}

async function graceSeconds(
  engine: DockerEngine,
  container: string,
  { now, timeoutMs }: StopOptions,
): Promise<number> {
  if (now) return 0;
  if (timeoutMs !== undefined) return Math.ceil(timeoutMs / 1_000);
  const { Config } = await engine.getContainer(container).inspect();
  const drain = Config.Env?.find((text) => text.startsWith("DRAIN_SECONDS="));
  return Math.ceil(parseInt(drain?.split("=")[1] ?? "25000") / 1_000) + CLOSING_SECONDS;
}

function containerConfig(
  record: DockerRecord,
  wanted: AgentsWanted,
  { name, id }: AgentName,
  options: DockerAgentOptions & { readonly network: string },
): Record<string, unknown> {
  const { session, role, concurrency, drainMs } = wanted;
  const variables = { ...agentVariables(wanted, id), RELAY_URL };
  return {
    name: `${record.project}-agent-${name}`,
    Image: options.image,
    ...(options.user !== undefined && { User: options.user }),
    Cmd: wanted.args,
    Env: Object.entries(variables).map(([key, value]) => `${key}=${value}`),
    Labels: {
      [LABEL.project]: record.project,
      [LABEL.name]: name,
      [LABEL.id]: id,
      [LABEL.session]: session,
      [LABEL.role]: role,
      [LABEL.concurrency]: String(concurrency),
    },
    StopTimeout: Math.ceil(drainMs / 1_000) + CLOSING_SECONDS,
    HostConfig: {
      NetworkMode: options.network,
      Init: true,
      ReadonlyRootfs: true,
      // Programs of coding agents unpack themselves there, and run what they have unpacked.
      Tmpfs: { "/tmp": options.mounts === undefined ? "" : "exec" },
      Mounts: options.mounts?.map(({ path, writable }) => ({
        ...{ Type: "bind", Source: path, Target: path, ReadOnly: !writable },
      })),
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      ...(options.memoryBytes !== undefined && {
        Memory: options.memoryBytes,
        // No swap beside it, or the limit would be twice what was asked for.
        MemorySwap: options.memoryBytes,
      }),
      ...(options.cpus !== undefined && { NanoCpus: Math.round(options.cpus * 1e9) }),
    },
  };
}

async function create(
  engine: DockerEngine,
  config: Record<string, unknown>,
  name: string,
  image: string,
): ReturnType<DockerEngine["createContainer"]> {
  try {
    return await engine.createContainer(config);
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode === 409) throw new SystemError(`${name} is there already`, { cause: error });
    if (statusCode === 404) {
      throw new SystemError(
        `There is no image ${image}: build it, or get it with docker pull`,
        { cause: error },
      );
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new SystemError(`Docker cannot make a container for ${name}: ${why}`, { cause: error });
  }
}

async function projectNetwork(engine: DockerEngine, { project }: DockerRecord): Promise<string> {
  const label = [`com.docker.compose.project=${project}`];
  const [network] = await engine.listNetworks({ filters: { label } });
  if (network !== undefined) return network.Name;
  throw new SystemError(
    `The compose project ${project} has no network: start the system with ourocodus start --docker`,
  );
}

function managedContainer(state: ContainerState): ManagedAgent {
  const { Id, Config: { Labels }, State, RestartCount } = state;
  const runs = State.Status === "running";
  return {
    name: Labels[LABEL.name] ?? state.Name.slice(1),
    id: Labels[LABEL.id] ?? "",
    session: Labels[LABEL.session] ?? "",
    role: Labels[LABEL.role] ?? "",
    runtime: "docker",
    concurrency: Number(Labels[LABEL.concurrency] ?? 1),
    restarts: RestartCount,
    exit: runs || State.Status === "created" ? null : { code: State.ExitCode, signal: null },
    pid: null,
    container: Id.slice(0, 12),
    since: runs ? State.StartedAt : null,
    runs,
    settled: true,
  };
}

/** Somebody else stopped or removed it: what was wanted. */
function notNews(error: unknown): void {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== 304 && statusCode !== 404 && statusCode !== 409) throw error;
}
