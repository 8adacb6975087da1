/**
 * The system in Docker: what compose.yaml describes.
 *
 * @module
 */
import { pause } from "@ourocodus/protocol";
import {
  containerLogEnd,
  type ContainerState,
  type DockerEngine,
  type DockerRecord,
  findContainers,
  findHome,
  runCompose,
  SystemError,
  systemToken,
} from "@ourocodus/system";
import type { Console } from "./console.ts";

/** A container of the system. */
export interface SystemContainer {
  /** The service's name in compose.yaml, with a number where there are several. */
  readonly name: string;
  readonly id: string;
  readonly status: "healthy" | "unhealthy" | "starting" | "restarting" | "down";
  /** Its port on this machine. */
  readonly port: number | null;
  readonly version: string | null;
  readonly restarts: number;
  /** ISO 8601. */
  readonly since: string | null;
}

/** How long all may take to be healthy, in milliseconds. */
const HEALTHY_MS = 120_000;
const LOOK_MS = 200;

/** Starts it, and waits until every container is healthy. @throws {SystemError} */
export async function dockerUp(
  engine: DockerEngine,
  record: DockerRecord,
  console: Console,
): Promise<SystemContainer[]> {
  await compose(["up", "--detach"], record, console);
  for (const deadline = performance.now() + HEALTHY_MS;;) {
    console.signal.throwIfAborted();
    const containers = await systemContainers(engine, record);
    if (containers.length > 0 && containers.every(({ status }) => status === "healthy")) {
      return containers;
    }
    const bad = containers.find(({ status }) =>
      ["down", "unhealthy", "restarting"].includes(status)
    );
    const late = performance.now() > deadline;
    if (bad !== undefined || late) {
      const shown = bad ?? containers.find(({ status }) => status !== "healthy");
      const what = shown === undefined
        ? "There are no containers"
        : `${shown.name} is ${shown.status}`;
      throw new SystemError(`${what}. The end of its log:`, {
        lines: shown === undefined ? [] : await containerLogEnd(engine, shown.id),
      });
    }
    await pause(LOOK_MS, console.signal);
  }
}

/**
 * Builds an image of agents, unless it is there.
 *
 * @param image One that compose.yaml describes.
 * @throws {SystemError} If it cannot be built.
 */
export async function ensureImage(
  engine: DockerEngine,
  record: DockerRecord,
  image: AgentImage,
  console: Console,
): Promise<void> {
  try {
    await engine.getImage(image.name).inspect();
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
    await console.err.write(`Building ${image.name}\n`);
    const { service, profile, variables } = image;
    await compose(["--profile", profile, "build", service], record, console, variables);
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

/** Stops it and removes its containers. @throws {SystemError} */
export async function dockerDown(
  record: DockerRecord,
  console: Console,
  { now, volumes }: { readonly now: boolean; readonly volumes: boolean },
): Promise<void> {
  const flags = [...(now ? ["--timeout", "1"] : []), ...(volumes ? ["--volumes"] : [])];
  const profiles = ["agents", "coding", "cli"].flatMap((name) => ["--profile", name]);
  await compose([...profiles, "down", ...flags], record, console);
}

/** Its containers as they are. */
export async function systemContainers(
  engine: DockerEngine,
  record: DockerRecord,
): Promise<SystemContainer[]> {
  const states = await findContainers(engine, { "com.docker.compose.project": record.project });
  return states.filter(({ Config: { Labels } }) => Labels["com.docker.compose.oneoff"] !== "True")
    .map(systemContainer);
}

function systemContainer(container: ContainerState): SystemContainer {
  const { Id, Config: { Labels }, State, RestartCount, NetworkSettings } = container;
  const number = Number(Labels["com.docker.compose.container-number"] ?? 1);
  const service = Labels["com.docker.compose.service"] ?? container.Name.slice(1);
  const [published] = Object.values(NetworkSettings.Ports ?? {})
    .flatMap((bindings) => bindings?.[0]?.HostPort ?? []);
  const runs = State.Status === "running";
  return {
    name: number > 1 ? `${service}-${number}` : service,
    id: Id,
    status: containerStatus(State),
    port: published === undefined ? null : Number(published),
    version: Labels["org.opencontainers.image.version"] ?? null,
    restarts: RestartCount,
    since: runs ? State.StartedAt : null,
  };
}

function containerStatus(
  { Status, Health }: ContainerState["State"],
): SystemContainer["status"] {
  if (Status === "restarting") return "restarting";
  if (Status === "created") return "starting";
  if (Status !== "running") return "down";
  // Without a check of its own, running is all that can be known.
  const health = Health?.Status ?? "healthy";
  return health === "healthy" || health === "starting" ? health : "unhealthy";
}

async function compose(
  args: readonly string[],
  record: DockerRecord,
  console: Console,
  variables: Readonly<Record<string, string>> = {},
): Promise<void> {
  const token = await systemToken(console.env, findHome(console.env));
  await runCompose(args, {
    record,
    environment: {
      ...console.env.toObject?.(),
      ...(token !== undefined && { OUROCODUS_TOKEN: token }),
      ...variables,
    },
    onOutput: (text) => void console.err.write(text).catch(() => {}),
    signal: console.signal,
  });
}
