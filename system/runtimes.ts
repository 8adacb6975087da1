import type { ManagedAgent } from "./agent_rows.ts";
import type { AgentName, AgentsWanted } from "./agents_wanted.ts";
import { readDockerRecord } from "./docker_record.ts";
import { DockerRuntime } from "./docker_runtime.ts";
import type { StopOptions } from "./kept_process.ts";
import { ProcessRuntime } from "./process_runtime.ts";
import type {
  AgentPlace,
  BeginStopOptions,
  RestartedAgents,
  Runtime,
  RuntimeContext,
  RuntimeLog,
  RuntimeStatus,
  StartedAgents,
  StopAgentsOptions,
} from "./runtime.ts";
import { SystemError } from "./system_error.ts";

/** All that was started from a home, whatever it runs in. */
export class Runtimes implements Runtime {
  readonly process: ProcessRuntime;
  /** Undefined unless a system was started in Docker. */
  readonly docker: DockerRuntime | undefined;

  /** What there is in a home. */
  static async of(context: RuntimeContext): Promise<Runtimes> {
    const record = await readDockerRecord(context.home);
    return new Runtimes(
      new ProcessRuntime(context),
      record === undefined ? undefined : new DockerRuntime(context, record),
    );
  }

  private constructor(process: ProcessRuntime, docker: DockerRuntime | undefined) {
    this.process = process;
    this.docker = docker;
  }

  /** Whether agents can run in it. */
  has(kind: AgentPlace["kind"]): boolean {
    return kind === "process" || this.docker !== undefined;
  }

  async list(): Promise<readonly ManagedAgent[]> {
    return [...await this.process.list(), ...await this.docker?.list() ?? []];
  }

  start(
    wanted: AgentsWanted,
    place: AgentPlace,
    names?: readonly AgentName[],
  ): Promise<StartedAgents> {
    return this.#of(place.kind).start(wanted, place, names);
  }

  keep(
    agents: readonly AgentName[],
    wanted: AgentsWanted,
    place: AgentPlace,
    reason: string,
  ): Promise<void> {
    return this.#of(place.kind).keep(agents, wanted, place, reason);
  }

  async stop(agents: readonly ManagedAgent[], options: StopAgentsOptions): Promise<void> {
    await Promise.all(this.#each(agents, (runtime, agents) => runtime.stop(agents, options)));
  }

  beginStop(agent: ManagedAgent, options: BeginStopOptions): Promise<boolean> {
    return this.#of(agent.runtime).beginStop(agent, options);
  }

  async restart(
    agents: readonly ManagedAgent[],
    options: StopOptions,
  ): Promise<RestartedAgents> {
    const restarted = await Promise.all(
      this.#each(agents, (runtime, agents) => runtime.restart(agents, options)),
    );
    return {
      ended: async () => (await Promise.all(restarted.map((one) => one.ended()))).flat(),
      ready: async (names) => void await Promise.all(restarted.map((one) => one.ready(names))),
    };
  }

  async logs(options?: { readonly agentsOnly?: boolean }): Promise<readonly RuntimeLog[]> {
    return [...await this.docker?.logs(options) ?? [], ...await this.process.logs(options)];
  }

  /** Of the system in Docker, if it was started there. */
  status(): Promise<RuntimeStatus> {
    return (this.docker ?? this.process).status();
  }

  #each<T>(
    agents: readonly ManagedAgent[],
    run: (runtime: Runtime, agents: readonly ManagedAgent[]) => Promise<T>,
  ): Promise<T>[] {
    const groups = Map.groupBy(agents, ({ runtime }) => runtime);
    return [...groups].map(([kind, agents]) => run(this.#of(kind), agents));
  }

  #of(kind: ManagedAgent["runtime"]): Runtime {
    const runtime: Runtime | undefined = kind === "docker" ? this.docker : this.process;
    if (runtime !== undefined) return runtime;
    throw new SystemError('No system was started in Docker here: "ourocodus start --docker" does');
  }
}
