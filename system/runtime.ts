/**
 * What agents run in, and the system with them: processes of this machine, or Docker. There are two
 * of these; commands and the API ask for both together, see runtimes.ts.
 *
 * @module
 */
import type { Environment } from "@ourocodus/protocol";
import type { ManagedAgent } from "./agent_rows.ts";
import type { AgentName, AgentsWanted } from "./agents_wanted.ts";
import type { Home } from "./home.ts";
import type { StopOptions } from "./kept_process.ts";
import type { PartStatus } from "./part_status.ts";
import type { SystemError } from "./system_error.ts";

/** What a runtime works with. */
export interface RuntimeContext {
  readonly home: Home;
  /** Settings, and where Docker is; all of it is what agents start from. */
  readonly env: Environment & { toObject?(): Record<string, string> };
  readonly signal?: AbortSignal;
  /** Told what programs say that take a while. */
  readonly say?: (text: string) => void;
}

/** How an agent runs as a process. */
export interface ProcessPlace {
  readonly kind: "process";
  /** The folder that it is started in. */
  readonly cwd: string;
  /** Its relay; undefined: this home's, wherever that listens. */
  readonly relayUrl?: string;
}

/** How an agent runs in a container. */
export interface DockerPlace {
  readonly kind: "docker";
  readonly options: DockerAgentOptions;
}

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

/** What an agent runs in. */
export type AgentPlace = ProcessPlace | DockerPlace;

/** Where agents run. */
export interface Runtime<Place extends AgentPlace = AgentPlace> {
  /** The agents that were started here. */
  list(): Promise<readonly ManagedAgent[]>;
  /**
   * Starts agents, all or none.
   *
   * @param names Of agents that were started before; new ones by default.
   */
  start(wanted: AgentsWanted, place: Place, names?: readonly AgentName[]): Promise<StartedAgents>;
  /** Lists agents as ended ones, where that is possible: they could not be started again. */
  keep(
    agents: readonly AgentName[],
    wanted: AgentsWanted,
    place: Place,
    reason: string,
  ): Promise<void>;
  /** Stops agents, and waits until they have ended. */
  stop(agents: readonly ManagedAgent[], options: StopAgentsOptions): Promise<void>;
  /**
   * Begins to stop an agent, and forgets it when it has ended: `start` does not start it again.
   *
   * @returns False if nobody keeps it any more, as its supervisor was killed.
   * @throws {SystemError} If its supervisor refuses or does not answer, or there is no Docker engine.
   */
  beginStop(agent: ManagedAgent, options: BeginStopOptions): Promise<boolean>;
  /** Stops agents and starts them again as they were. */
  restart(agents: readonly ManagedAgent[], options: StopOptions): Promise<RestartedAgents>;
  /** The logs there are; an agent's are there after its end, too, where it is a process. */
  logs(options?: { readonly agentsOnly?: boolean }): Promise<readonly RuntimeLog[]>;
  /** How the parts of the system are. */
  status(): Promise<RuntimeStatus>;
}

/** How agents are stopped. */
export interface StopAgentsOptions extends StopOptions {
  /** Told of each that has ended. */
  readonly onStopped: (agent: ManagedAgent) => Promise<void>;
}

/** How an agent is stopped whose end is not waited for. */
export interface BeginStopOptions {
  /** Without letting it finish its running work. */
  readonly now?: boolean;
  /** Told if its container cannot be stopped. */
  readonly onFailure: (error: unknown) => void;
}

/** Agents that were started again, and that may not be connected yet. */
export interface RestartedAgents {
  /** Those that have ended, with the end of their logs. */
  ended(): Promise<readonly EndedAgent[]>;
  /** These are connected, or all: from now on they are started again when they crash. */
  ready(names?: ReadonlySet<string>): Promise<void>;
}

/** An agent that has ended. */
export interface EndedAgent extends AgentName {
  readonly error: SystemError;
}

/** Agents that were started, and that may not be connected yet. */
export interface StartedAgents extends RestartedAgents {
  readonly agents: readonly AgentName[];
  /** Where they look for a relay. */
  readonly relayUrl: string;
  /** Stops them at once, and forgets them. */
  undo(): Promise<void>;
  /** The end of the log of the first. */
  logEnd(): Promise<readonly string[]>;
}

/** The log of a part or of an agent. */
export interface RuntimeLog {
  readonly kind: AgentPlace["kind"];
  readonly name: string;
  /** Of an agent. */
  readonly agentId?: string;
  /** Its path, or its container. */
  readonly id: string;
  /** Where its end is now. */
  position(): Promise<number>;
  last(count: number): Promise<readonly string[]>;
  /** The complete lines that come after a position (0 is its beginning), until the signal. */
  follow(from: number, signal: AbortSignal): AsyncIterable<string>;
}

/** How the system is. */
export interface RuntimeStatus {
  readonly runtime: AgentPlace["kind"];
  /** Null in Docker, which does that itself. */
  readonly supervisor: PartStatus | null;
  readonly parts: readonly PartStatus[];
  /** Where NATS can be asked; undefined if it is not healthy. */
  readonly natsUrl: string | undefined;
}
