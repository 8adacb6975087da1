/**
 * Starting the agents again that an earlier `start` had. Each is looked at first: one that cannot
 * run any more, as its repository is gone, does not keep the others from it.
 *
 * @module
 */
import type { Environment } from "@ourocodus/protocol";
import type { AgentsWanted } from "./agents_wanted.ts";
import { failure } from "./bring_up.ts";
import { checkAgents } from "./check_agents.ts";
import type { ControlClient } from "./control_client.ts";
import { dockerAgents, startContainers } from "./docker_agents.ts";
import type { DockerEngine } from "./docker_engine.ts";
import type { DockerRecord } from "./docker_record.ts";
import type { Home } from "./home.ts";
import { sizeOf } from "./log_file.ts";
import { agentSpec } from "./process_agents.ts";
import { type RememberedAgent, rememberedAgents } from "./remembered_agents.ts";
import { SystemError } from "./system_error.ts";
import { agentToken } from "./system_token.ts";

/** Options of {@linkcode restoreProcesses} and {@linkcode restoreContainers}. */
export interface RestoreOptions {
  /** The environment of whoever starts the system. */
  readonly environment: Readonly<Record<string, string>>;
  /** The same, as settings. */
  readonly env: Environment;
  /** Where this home's relay is. */
  readonly relayUrl: string;
}

/** What came of it. */
export interface RestoredAgents {
  /** Those that were started, and may not be connected yet. */
  readonly started: readonly RememberedAgent[];
  /** Those that were not. */
  readonly failed: readonly FailedAgent[];
  /** Which of the started have ended. */
  ended(): Promise<readonly FailedAgent[]>;
  /** These are connected: from now on they are started again when they crash. */
  ready(agents: readonly RememberedAgent[]): Promise<void>;
}

/** An agent that could not be started again, or has ended. */
export interface FailedAgent {
  readonly agent: RememberedAgent;
  readonly error: SystemError;
}

/** Starts remembered agents that are processes, and do not run. */
export async function restoreProcesses(
  home: Home,
  client: ControlClient,
  options: RestoreOptions,
): Promise<RestoredAgents> {
  const kept = await client.list() ?? [];
  const running = new Set(
    kept.filter(({ status }) => status !== "exited").map(({ spec }) => spec.name),
  );
  const agents = (await rememberedAgents(home))
    .filter(({ name, runtime }) => runtime.kind === "process" && !running.has(name));
  const failed: FailedAgent[] = [];
  const started: { readonly agent: RememberedAgent; readonly logFrom: number }[] = [];
  const check = checker(home, options);
  for (const agent of agents) {
    const wanted = await withToken(agent, home, options);
    const spec = agentSpec(home, wanted, agent, processPlace(agent, options.relayUrl));
    const reason = await check(agent, wanted);
    if (reason !== undefined) {
      failed.push({ agent, error: new SystemError(reason) });
      await client.ask({ type: "keep", specs: [spec], reason });
      continue;
    }
    const logFrom = await sizeOf(spec.log);
    await client.ask({ type: "start", specs: [spec], environment: options.environment });
    started.push({ agent, logFrom });
  }
  return {
    started: started.map(({ agent }) => agent),
    failed,
    async ended() {
      const views = new Map((await client.list() ?? []).map((view) => [view.spec.name, view]));
      const ends = await Promise.all(started.map(async ({ agent, logFrom }) => {
        const view = views.get(agent.name);
        const error = view === undefined
          ? new SystemError(`${agent.name} was stopped meanwhile`)
          : view.status === "exited"
          ? await failure(view, logFrom)
          : undefined;
        return error === undefined ? [] : [{ agent, error }];
      }));
      return ends.flat();
    },
    async ready(agents) {
      await client.ask({ type: "ready", names: agents.map(({ name }) => name) });
    },
  };
}

/** Makes the containers of remembered agents again that are not there. */
export async function restoreContainers(
  home: Home,
  engine: DockerEngine,
  record: DockerRecord,
  options: RestoreOptions,
): Promise<RestoredAgents> {
  const there = new Set((await dockerAgents(engine, record)).map(({ name }) => name));
  const failed: FailedAgent[] = [];
  const started: {
    readonly agent: RememberedAgent;
    readonly containers: Awaited<ReturnType<typeof startContainers>>;
  }[] = [];
  const check = checker(home, options);
  for (const agent of await rememberedAgents(home)) {
    if (agent.runtime.kind !== "docker" || there.has(agent.name)) continue;
    try {
      const wanted = await withToken(agent, home, options);
      const reason = await check(agent, wanted);
      if (reason !== undefined) throw new SystemError(reason);
      const { options: container } = agent.runtime;
      const whole = { ...wanted, env: { ...passed(wanted, options.environment), ...wanted.env } };
      const containers = await startContainers(engine, record, whole, container, [agent]);
      started.push({ agent, containers });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      failed.push({ agent, error });
    }
  }
  return {
    started: started.map(({ agent }) => agent),
    failed,
    async ended() {
      const ends = await Promise.all(started.map(async ({ agent, containers }) => {
        try {
          await containers.check();
          return [];
        } catch (error) {
          if (!(error instanceof SystemError)) throw error;
          return [{ agent, error }];
        }
      }));
      return ends.flat();
    },
    async ready(agents) {
      const connected = new Set(agents);
      await Promise.all(
        started.filter(({ agent }) => connected.has(agent))
          .map(({ containers }) => containers.ready()),
      );
    },
  };
}

/** Variables that are handed on by name, with their values. */
export function passed(
  { passedEnv }: Pick<AgentsWanted, "passedEnv">,
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    passedEnv.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function processPlace({ runtime }: RememberedAgent, ownRelayUrl: string) {
  const { cwd, relayUrl } = runtime.kind === "process"
    ? runtime
    : { cwd: Deno.cwd(), relayUrl: undefined };
  return { cwd, relayUrl: relayUrl ?? ownRelayUrl, atOwnRelay: relayUrl === undefined };
}

async function withToken(
  { wanted }: RememberedAgent,
  home: Home,
  { env }: RestoreOptions,
): Promise<AgentsWanted> {
  const token = await agentToken(env, home, wanted);
  return { ...wanted, ...(token !== undefined && { token }) };
}

/**
 * Tells what stands in an agent's way. Those that differ in their names alone are looked at once.
 *
 * @returns A function that returns it, in one line; undefined if nothing does.
 */
function checker(
  home: Home,
  { environment }: RestoreOptions,
): (agent: RememberedAgent, wanted: AgentsWanted) => Promise<string | undefined> {
  const results = new Map<string, Promise<string | undefined>>();
  return ({ runtime, variables }, wanted) => {
    const { token: _, name: __, ...rest } = wanted;
    const key = JSON.stringify([rest, runtime, variables]);
    const result = results.get(key) ?? look();
    results.set(key, result);
    return result;

    async function look(): Promise<string | undefined> {
      const missing = variables.filter((name) => environment[name] === undefined);
      if (missing.length > 0) {
        const [was, is] = missing.length === 1 ? ["was", "is"] : ["were", "are"];
        return `${missing.join(", ")} ${was} set when it was started, and ${is} not set now`;
      }
      const cwd = runtime.kind === "process" ? runtime.cwd : undefined;
      if (cwd !== undefined && !await isFolder(cwd)) {
        return `the folder that it was started in, ${cwd}, is not there any more`;
      }
      const check = await checkAgents(wanted, {
        ...{ environment, cwd, home: home.folder },
        inContainer: runtime.kind === "docker",
      });
      return check.kind === "wrong" ? check.reason : undefined;
    }
  };
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}
