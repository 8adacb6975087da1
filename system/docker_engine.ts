/**
 * The Docker engine: of dockerode as much as is used here, with types.
 *
 * @module
 */
import { type Environment, messageOf } from "@ourocodus/protocol";
import { dockerEndpoint } from "./docker_endpoint.ts";
import { SystemError } from "./system_error.ts";

/** The engine. */
export interface DockerEngine {
  ping(): Promise<unknown>;
  listContainers(options: {
    readonly all: boolean;
    readonly filters: { readonly label: readonly string[] };
  }): Promise<{ readonly Id: string }[]>;
  listNetworks(options: {
    readonly filters: { readonly label: readonly string[] };
  }): Promise<{ readonly Name: string }[]>;
  createContainer(options: Readonly<Record<string, unknown>>): Promise<DockerContainer>;
  getContainer(id: string): DockerContainer;
  getImage(name: string): { inspect(): Promise<unknown> };
}

/** A container. */
export interface DockerContainer {
  readonly id: string;
  inspect(): Promise<ContainerState>;
  start(): Promise<unknown>;
  /** @param options `t`: seconds from SIGTERM to SIGKILL. */
  stop(options: { readonly t: number }): Promise<unknown>;
  restart(options: { readonly t: number }): Promise<unknown>;
  update(options: Readonly<Record<string, unknown>>): Promise<unknown>;
  remove(options: { readonly force: boolean; readonly v: boolean }): Promise<unknown>;
  logs(options: Readonly<Record<string, unknown>> & { readonly follow: true }): Promise<
    AsyncIterable<Uint8Array> & { destroy(): void }
  >;
  logs(options: Readonly<Record<string, unknown>> & { readonly follow: false }): Promise<
    Uint8Array
  >;
}

/** What is known of a container. */
export interface ContainerState {
  readonly Id: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>>;
    readonly Env: readonly string[] | null;
  };
  readonly State: {
    /** `created`, `running`, `restarting`, `exited`, … */
    readonly Status: string;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string };
  };
  readonly NetworkSettings: {
    readonly Ports:
      | Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>
      | null;
  };
}

/**
 * Connects to the engine.
 *
 * @throws {SystemError} If none answers; it says how to go on without.
 */
export async function connectDocker(env: Environment): Promise<DockerEngine> {
  const { url, ...endpoint } = await dockerEndpoint(env);
  const { default: Docker } = await import("dockerode");
  const engine: DockerEngine = new Docker(endpoint);
  try {
    await engine.ping();
    return engine;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    const why = code === "ENOENT"
      ? "there is no such socket"
      : code === "EACCES"
      ? "this user may not use it"
      : messageOf(error);
    throw new SystemError(
      `No Docker daemon answers at ${url}: ${why}. Start Docker (DOCKER_HOST says where it is), or ` +
        `go on without it: "ourocodus start", "ourocodus agent start --process"`,
      { cause: error },
    );
  }
}

/** All containers that have these labels, in the order of their names. */
export async function findContainers(
  engine: DockerEngine,
  labels: Readonly<Record<string, string>>,
): Promise<ContainerState[]> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const list = await engine.listContainers({ all: true, filters: { label } });
  const states = await Promise.all(list.map(async ({ Id }) => {
    try {
      return await engine.getContainer(Id).inspect();
    } catch {
      return undefined; // It was removed meanwhile.
    }
  }));
  return states.filter((state) => state !== undefined)
    .sort((one, other) => one.Name.localeCompare(other.Name, "en", { numeric: true }));
}
