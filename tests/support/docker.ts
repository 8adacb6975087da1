import { freePort } from "./free_port.ts";
import { type ProcessOutput, runProcess } from "./processes.ts";
import { ROOT } from "./programs.ts";

/** A Docker engine, and the Compose that is there for it. */
export interface Docker {
  /** The engine's version. */
  readonly version: string;
  /** `docker compose`, or `docker-compose` where that is all there is; none if there is neither. */
  readonly compose?: readonly [command: string, ...args: string[]];
}

/** Options of {@linkcode ComposeProject}. */
export interface ComposeOptions {
  readonly docker: Docker;
  /** Its name, of `a-z 0-9 _ -`; default one of this process and a free port. */
  readonly name?: string;
  /** Images from `source` (the default), or `compiled`. */
  readonly images?: "source" | "compiled";
  /** Profiles of compose.yaml that are on. */
  readonly profiles?: readonly string[];
  /** Further variables, for compose.yaml. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A container of a project. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** Of compose.yaml: `nats`, `relay`, … */
  readonly service: string;
  /** `running`, `exited`, … */
  readonly state: string;
  /** `healthy`, `starting`, `unhealthy`; none if it is not checked. */
  readonly health?: string;
  readonly exitCode: number;
  /** How often its restart policy has started it again. */
  readonly restarts: number;
}

/** How long an image may take to be built, or a project to be healthy, in milliseconds. */
const SLOW_MS = 600_000;

/**
 * Looks for a Docker engine.
 *
 * @returns It, or `undefined` if there is none that answers; tests are skipped then.
 */
export async function findDocker(): Promise<Docker | undefined> {
  const version = await output("docker", ["version", "--format", "{{.Server.Version}}"]);
  if (version === undefined) return undefined;
  for (const compose of [["docker", "compose"], ["docker-compose"]] as const) {
    const [command, ...args] = compose;
    if (await output(command, [...args, "version"]) !== undefined) return { version, compose };
  }
  return { version };
}

/**
 * Runs `docker`.
 *
 * @returns What it wrote to standard output, trimmed.
 * @throws {Error} If it fails; with its output.
 */
export async function docker(
  args: readonly string[],
  options: { readonly timeoutMs?: number } = {},
): Promise<string> {
  return checked(await runProcess("docker", args, options), `docker ${args.join(" ")}`);
}

/**
 * Builds a target of the Dockerfile.
 *
 * @param target For example `source-relay`.
 * @param tag What to call the image.
 * @throws {Error} If it cannot be built; with the builder's output.
 */
export async function buildImage(target: string, tag: string): Promise<void> {
  await docker(["build", "--target", target, "--tag", tag, ROOT], { timeoutMs: SLOW_MS });
}

/**
 * compose.yaml under a name and on ports of its own, next to others. Disposing of it removes all of
 * it, volumes too.
 */
export class ComposeProject implements AsyncDisposable {
  readonly name: string;
  /** Where this machine reaches its NATS. */
  readonly natsUrl: string;
  /** Where this machine reaches its relay, unless there are several: `ws://127.0.0.1:…`. */
  readonly relayUrl: string;
  readonly #command: readonly [string, ...string[]];
  readonly #env: Readonly<Record<string, string>>;

  /** @throws {Error} If there is no Compose. */
  constructor(options: ComposeOptions) {
    const { images = "source", profiles = [], env } = options;
    const { compose } = options.docker;
    if (compose === undefined) {
      throw new Error("There is neither docker compose nor docker-compose");
    }
    const [natsPort, relayPort, apiPort] = [freePort(), freePort(), freePort()];
    this.name = options.name ?? `ourocodus-test-${Deno.pid}-${natsPort}`;
    this.natsUrl = `nats://127.0.0.1:${natsPort}`;
    this.relayUrl = `ws://127.0.0.1:${relayPort}`;
    const on = profiles.flatMap((profile) => ["--profile", profile]);
    this.#command = [...compose, "--project-name", this.name, ...on];
    this.#env = {
      OUROCODUS_IMAGES: images,
      OUROCODUS_NATS_PORT: String(natsPort),
      OUROCODUS_RELAY_PORT: String(relayPort),
      OUROCODUS_API_PORT: String(apiPort),
      ...env,
    };
  }

  /**
   * Runs a Compose command on the project.
   *
   * @param args For example `["up", "-d"]`.
   * @returns What it wrote to standard output, trimmed.
   * @throws {Error} If it fails; with its output.
   */
  async run(args: readonly string[], options: { stdin?: string } = {}): Promise<string> {
    const [command, ...first] = this.#command;
    const done = await runProcess(command, [...first, ...args], {
      cwd: ROOT,
      env: this.#env,
      timeoutMs: SLOW_MS,
      ...options,
    });
    return checked(done, `${command} ${args.join(" ")}`);
  }

  /** Builds what is needed and starts it; resolves when what others depend on is healthy. */
  async up(...args: readonly string[]): Promise<void> {
    await this.run(["up", "--detach", "--build", ...args]);
  }

  /** Its containers, also those that have ended. */
  async containers(service?: string): Promise<Container[]> {
    const filters = ["--filter", `label=com.docker.compose.project=${this.name}`];
    const ids = (await docker(["ps", "--all", "--quiet", ...filters])).split("\n").filter(Boolean);
    if (ids.length === 0) return [];
    const found = JSON.parse(await docker(["inspect", ...ids])) as Inspected[];
    return found.map(container).filter((it) => service === undefined || it.service === service);
  }

  /** What there is left of it: containers, networks and volumes, by name. */
  async leftovers(): Promise<string[]> {
    const filter = ["--filter", `label=com.docker.compose.project=${this.name}`];
    const lists = await Promise.all([
      docker(["ps", "--all", ...filter, "--format", "container {{.Names}}"]),
      docker(["network", "ls", ...filter, "--format", "network {{.Name}}"]),
      docker(["volume", "ls", ...filter, "--format", "volume {{.Name}}"]),
    ]);
    return lists.flatMap((list) => list.split("\n").filter(Boolean)).sort();
  }

  /** Stops it and removes its containers and network, and with `volumes` what NATS has stored. */
  async down(options: { readonly volumes?: boolean } = {}): Promise<void> {
    await this.run(["down", "--remove-orphans", ...(options.volumes ? ["--volumes"] : [])]);
  }

  /** Removes all of it, without waiting for running work. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(["kill"]).catch(() => {}); // Nothing runs.
    await this.down({ volumes: true });
  }
}

/** As much of `docker inspect` as is used. */
interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly Health?: { readonly Status: string };
  };
}

function container({ Id, Name, RestartCount, Config, State }: Inspected): Container {
  return {
    id: Id,
    name: Name.replace(/^\//, ""),
    service: Config.Labels["com.docker.compose.service"] ?? "",
    state: State.Status,
    ...(State.Health && { health: State.Health.Status }),
    exitCode: State.ExitCode,
    restarts: RestartCount,
  };
}

function checked(done: ProcessOutput, command: string): string {
  if (done.code === 0) return done.stdout.trim();
  const said = `${done.stdout}${done.stderr}`.slice(-4_000);
  throw new Error(`${command} ended with ${done.code}:\n${said}`);
}

/** What a command writes, or `undefined` if it is not there or fails. */
async function output(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { code, stdout } = await runProcess(command, args);
    return code === 0 ? stdout.trim() : undefined;
  } catch {
    return undefined;
  }
}
