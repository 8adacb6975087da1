/**
 * Agents that run in containers of their own, and the system in Docker: what compose.yaml describes.
 *
 * @module
 */
import { pause } from "@ourocodus/protocol";
import {
  createContainer,
  graceSeconds,
  LABEL,
  managedContainer,
  RELAY_URL,
  removeAgent,
} from "./agent_container.ts";
import type { ManagedAgent } from "./agent_rows.ts";
import { type AgentName, agentNames, type AgentsWanted, passed } from "./agents_wanted.ts";
import { runCompose } from "./compose.ts";
import { containerLogEnd, followContainerLog } from "./container_logs.ts";
import {
  connectDocker,
  type ContainerState,
  type DockerEngine,
  findContainers,
} from "./docker_engine.ts";
import type { DockerRecord } from "./docker_record.ts";
import type { StopOptions } from "./kept_process.ts";
import type { PartStatus } from "./part_status.ts";
import { forgetAgents } from "./remembered_agents.ts";
import type {
  BeginStopOptions,
  DockerPlace,
  RestartedAgents,
  Runtime,
  RuntimeContext,
  RuntimeLog,
  RuntimeStatus,
  StartedAgents,
  StopAgentsOptions,
} from "./runtime.ts";
import { SystemError } from "./system_error.ts";
import { systemToken } from "./system_token.ts";

interface StartedContainer extends AgentName {
  readonly container: string;
}

/** How long all parts may take to be healthy, in milliseconds. */
const HEALTHY_MS = 120_000;
const LOOK_MS = 200;

/** Runs agents and the system in containers. */
export class DockerRuntime implements Runtime<DockerPlace> {
  readonly record: DockerRecord;
  readonly #context: RuntimeContext;
  #connected: Promise<DockerEngine> | undefined;

  constructor(context: RuntimeContext, record: DockerRecord) {
    this.#context = context;
    this.record = record;
  }

  async list(): Promise<readonly ManagedAgent[]> {
    const labels = { [LABEL.project]: this.record.project };
    return (await findContainers(await this.#engine(), labels)).map(managedContainer);
  }

  async start(
    wanted: AgentsWanted,
    { options }: DockerPlace,
    names?: readonly AgentName[],
  ): Promise<StartedAgents> {
    const engine = await this.#engine();
    const network = await projectNetwork(engine, this.record);
    const named = names ?? agentNames(wanted, await this.#takenNames());
    const env = { ...passed(wanted, this.#context.env.toObject?.() ?? {}), ...wanted.env };
    const started: StartedContainer[] = [];
    try {
      for (const agent of named) {
        const container = await createContainer(engine, this.record, agent, {
          ...options,
          ...{ wanted: { ...wanted, env }, network },
        });
        started.push({ name: agent.name, id: agent.id, container: container.id });
        await container.start();
      }
      return startedAgents(engine, started);
    } catch (error) {
      await removeAll(engine, started);
      throw error;
    }
  }

  /** A container that was not made cannot be listed. */
  keep(): Promise<void> {
    return Promise.resolve();
  }

  async stop(
    agents: readonly ManagedAgent[],
    { onStopped, ...options }: StopAgentsOptions,
  ): Promise<void> {
    const engine = await this.#engine();
    await Promise.all(agents.map(async (agent) => {
      await removeAgent(engine, agent.container ?? "", options);
      await onStopped(agent);
    }));
  }

  async beginStop(
    { name, runtime, container }: ManagedAgent,
    { now, onFailure }: BeginStopOptions,
  ): Promise<boolean> {
    const engine = await this.#engine();
    // A supervisor does that by itself. A user who may not write to the home stops it anyway.
    await forgetAgents(this.#context.home, [{ name, runtime }]).catch(onFailure);
    removeAgent(engine, container ?? "", { now }).catch(onFailure);
    return true;
  }

  async restart(
    agents: readonly ManagedAgent[],
    options: StopOptions,
  ): Promise<RestartedAgents> {
    const engine = await this.#engine();
    const restarted = agents.map(({ name, id, container }) => {
      return { name: name ?? id, id, container: container ?? "" };
    });
    await Promise.all(restarted.map(async ({ container }) => {
      const t = await graceSeconds(engine, container, options);
      await engine.getContainer(container).restart({ t });
    }));
    return startedAgents(engine, restarted);
  }

  async logs(
    { agentsOnly = false }: { readonly agentsOnly?: boolean } = {},
  ): Promise<readonly RuntimeLog[]> {
    const engine = await this.#engine();
    const log = (name: string, container: string | null, agentId?: string): RuntimeLog => ({
      ...{ kind: "docker", name, id: container ?? "", agentId },
      position: () => Promise.resolve(1),
      last: (count) => containerLogEnd(engine, container ?? "", count),
      follow: (from, signal) =>
        followContainerLog(engine, container ?? "", { all: from === 0, signal }),
    });
    return [
      ...(agentsOnly ? [] : await this.parts()).map(({ name, container }) => log(name, container)),
      ...(await this.list()).map(({ name, id, container }) => log(name ?? id, container, id)),
    ];
  }

  async status(): Promise<RuntimeStatus> {
    const parts = await this.parts();
    const hasNats = parts.some(({ name, status }) => name === "nats" && status === "healthy");
    const natsUrl = hasNats ? `nats://127.0.0.1:${this.record.natsPort}` : undefined;
    return { runtime: "docker", supervisor: null, parts, natsUrl };
  }

  /** The containers of the system as they are. */
  async parts(): Promise<PartStatus[]> {
    const labels = { "com.docker.compose.project": this.record.project };
    const states = await findContainers(await this.#engine(), labels);
    return states.filter(({ Config: { Labels } }) => Labels["com.docker.compose.oneoff"] !== "True")
      .map(containerPart);
  }

  /** Starts the system, and waits until every container is healthy. @throws {SystemError} */
  async up(): Promise<PartStatus[]> {
    await this.#compose(["up", "--detach"]);
    for (const deadline = performance.now() + HEALTHY_MS;;) {
      this.#context.signal?.throwIfAborted();
      const parts = await this.parts();
      if (parts.length > 0 && parts.every(({ status }) => status === "healthy")) return parts;
      const bad = parts.find(({ status }) => ["down", "unhealthy", "restarting"].includes(status));
      const late = performance.now() > deadline;
      if (bad !== undefined || late) {
        const shown = bad ?? parts.find(({ status }) => status !== "healthy");
        const what = shown === undefined
          ? "There are no containers"
          : `${shown.name} is ${shown.status}`;
        throw new SystemError(`${what}. The end of its log:`, {
          lines: shown === undefined
            ? []
            : await containerLogEnd(await this.#engine(), shown.container ?? ""),
        });
      }
      await pause(LOOK_MS, this.#context.signal);
    }
  }

  /** Stops the system and removes its containers. @throws {SystemError} */
  async down(
    { now, volumes }: { readonly now: boolean; readonly volumes: boolean },
  ): Promise<void> {
    const flags = [...(now ? ["--timeout", "1"] : []), ...(volumes ? ["--volumes"] : [])];
    const profiles = ["agents", "coding", "cli"].flatMap((name) => ["--profile", name]);
    await this.#compose([...profiles, "down", ...flags]);
  }

  /** Builds an image of agents, unless it is there. @throws {SystemError} If it cannot be built. */
  async ensureImage({ name, service, profile, variables }: AgentImage): Promise<void> {
    try {
      await (await this.#engine()).getImage(name).inspect();
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode !== 404) throw error;
      this.#context.say?.(`Building ${name}\n`);
      await this.#compose(["--profile", profile, "build", service], variables);
    }
  }

  async #takenNames(): Promise<ReadonlySet<string>> {
    return new Set((await this.list()).flatMap(({ name }) => name ?? []));
  }

  #engine(): Promise<DockerEngine> {
    return this.#connected ??= connectDocker(this.#context.env);
  }

  async #compose(
    args: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { env, home, say = () => {}, signal } = this.#context;
    const token = await systemToken(env, home);
    await runCompose(args, {
      record: this.record,
      environment: {
        ...env.toObject?.(),
        ...(token !== undefined && { OUROCODUS_TOKEN: token }),
        ...variables,
      },
      ...{ onOutput: say, signal },
    });
  }
}

/** An image that compose.yaml describes. */
export interface AgentImage {
  readonly name: string;
  readonly service: string;
  readonly profile: string;
  /** What compose.yaml is told. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The image of agents that echo, or run a command. */
export function agentImage({ images }: DockerRecord): AgentImage {
  return {
    name: `ourocodus-agent:${images}`,
    ...{ service: "echo", profile: "agents", variables: {} },
  };
}

/** The image of a known coding agent. @param npmPackage The package that brings it. */
export function codingAgentImage(
  { images }: DockerRecord,
  agent: string,
  npmPackage: string,
): AgentImage {
  return {
    name: `ourocodus-agent-${agent}:${images}`,
    ...{ service: "coding", profile: "coding" },
    variables: { CODING_AGENT: agent, AGENT_PACKAGE: npmPackage },
  };
}

function startedAgents(
  engine: DockerEngine,
  agents: readonly StartedContainer[],
): StartedAgents {
  return {
    agents: agents.map(({ name, id }) => ({ name, id })),
    relayUrl: RELAY_URL,
    async ended() {
      const ends = await Promise.all(agents.map(async ({ name, id, container }) => {
        const { State: { Status, ExitCode } } = await engine.getContainer(container).inspect();
        if (Status !== "exited" && Status !== "dead") return [];
        const lines = await containerLogEnd(engine, container);
        const what = `${name} ended with exit code ${ExitCode}. The end of its log:`;
        return [{ name, id, error: new SystemError(what, { lines }) }];
      }));
      return ends.flat();
    },
    // Not before: one that cannot work would be started again forever.
    async ready(names) {
      const kept = { RestartPolicy: { Name: "unless-stopped" } };
      await Promise.all(
        agents.filter(({ name }) => names?.has(name) ?? true)
          .map(({ container }) => engine.getContainer(container).update(kept)),
      );
    },
    undo: () => removeAll(engine, agents),
    async logEnd() {
      const [first] = agents;
      return first ? await containerLogEnd(engine, first.container) : [];
    },
  };
}

async function removeAll(
  engine: DockerEngine,
  agents: readonly StartedContainer[],
): Promise<void> {
  await Promise.all(agents.map(({ container }) => removeAgent(engine, container, { now: true })));
}

async function projectNetwork(engine: DockerEngine, { project }: DockerRecord): Promise<string> {
  const label = [`com.docker.compose.project=${project}`];
  const [network] = await engine.listNetworks({ filters: { label } });
  if (network !== undefined) return network.Name;
  throw new SystemError(
    `The compose project ${project} has no network: start the system with ourocodus start --docker`,
  );
}

function containerPart(container: ContainerState): PartStatus {
  const { Id, Config: { Labels }, State, RestartCount, NetworkSettings } = container;
  const number = Number(Labels["com.docker.compose.container-number"] ?? 1);
  const service = Labels["com.docker.compose.service"] ?? container.Name.slice(1);
  const [published] = Object.values(NetworkSettings.Ports ?? {})
    .flatMap((bindings) => bindings?.[0]?.HostPort ?? []);
  const runs = State.Status === "running";
  return {
    name: number > 1 ? `${service}-${number}` : service,
    status: containerStatus(State),
    pid: null,
    container: Id.slice(0, 12),
    port: published === undefined ? null : Number(published),
    version: Labels["org.opencontainers.image.version"] ?? null,
    restarts: RestartCount,
    since: runs ? State.StartedAt : null,
  };
}

function containerStatus(
  { Status, Health }: ContainerState["State"],
): PartStatus["status"] {
  if (Status === "restarting") return "restarting";
  if (Status === "created") return "starting";
  if (Status !== "running") return "down";
  // Without a check of its own, running is all that can be known.
  const health = Health?.Status ?? "healthy";
  return health === "healthy" || health === "starting" ? health : "unhealthy";
}
