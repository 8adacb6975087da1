/**
 * The container of one agent: what Docker is told of it, what Docker's answer says of the agent, and
 * its end.
 *
 * @module
 */
import { messageOf } from "@ourocodus/protocol";
import type { ManagedAgent } from "./agent_rows.ts";
import { type AgentName, type AgentsWanted, agentVariables } from "./agents_wanted.ts";
import type { ContainerState, DockerEngine } from "./docker_engine.ts";
import type { DockerRecord } from "./docker_record.ts";
import type { StopOptions } from "./kept_process.ts";
import type { DockerAgentOptions } from "./runtime.ts";
import { SystemError } from "./system_error.ts";

/** The labels of our agents' containers. */
export const LABEL = {
  project: "ourocodus.project",
  name: "ourocodus.agent",
  id: "ourocodus.agent_id",
  session: "ourocodus.session",
  role: "ourocodus.role",
  concurrency: "ourocodus.concurrency",
} as const;

/** Where the relay is, in the network of the compose project. */
export const RELAY_URL = "ws://relay:8080";
/** How long storing answers and closing may take after the time to finish, in seconds. */
const CLOSING_SECONDS = 10;

/** How an agent's container is made. */
export interface ContainerOptions extends DockerAgentOptions {
  readonly wanted: AgentsWanted;
  readonly network: string;
}

/** Makes an agent's container. @throws {SystemError} If it cannot be made. */
export async function createContainer(
  engine: DockerEngine,
  record: DockerRecord,
  agent: AgentName,
  options: ContainerOptions,
): ReturnType<DockerEngine["createContainer"]> {
  try {
    return await engine.createContainer(containerConfig(record, agent, options));
  } catch (error) {
    const { name } = agent;
    const { statusCode } = error as { statusCode?: number };
    if (statusCode === 409) throw new SystemError(`${name} is there already`, { cause: error });
    if (statusCode === 404) {
      throw new SystemError(
        `There is no image ${options.image}: build it, or get it with docker pull`,
        { cause: error },
      );
    }
    const why = messageOf(error);
    throw new SystemError(`Docker cannot make a container for ${name}: ${why}`, { cause: error });
  }
}

function containerConfig(
  record: DockerRecord,
  { name, id }: AgentName,
  { wanted, ...options }: ContainerOptions,
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
        // No swap in addition, or the limit would be twice what was asked for.
        MemorySwap: options.memoryBytes,
      }),
      ...(options.cpus !== undefined && { NanoCpus: Math.round(options.cpus * 1e9) }),
    },
  };
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

/** How long an agent may take to end before Docker kills it, in seconds. */
export async function graceSeconds(
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

/** The agent that a container is of. */
export function managedContainer(state: ContainerState): ManagedAgent {
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
    isKept: true,
    settled: true,
  };
}

/** Somebody else stopped or removed it: what was wanted. */
function notNews(error: unknown): void {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== 304 && statusCode !== 404 && statusCode !== 409) throw error;
}
