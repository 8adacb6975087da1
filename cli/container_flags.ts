/**
 * The flags of `agent start` that are about its container.
 *
 * @module
 */
import { parseBytes } from "@ourocodus/protocol";
import {
  type AgentImage,
  agentImage,
  type AgentsFacts,
  codingAgentImage,
  type DockerAgentOptions,
  type DockerRecord,
} from "@ourocodus/system";
import { UsageError } from "./usage_error.ts";

/** As they were given. */
export interface ContainerFlags {
  readonly image?: string;
  readonly memory?: string;
  readonly cpus?: string;
}

/** Docker takes no less, in bytes. */
const MIN_MEMORY = 6 * 2 ** 20;
const MAX_CPUS = 1_024;

/** Refuses them for an agent that is a process. @throws {UsageError} */
export function refuseContainerFlags({ image, memory, cpus }: ContainerFlags): void {
  const given = Object.entries({ "--image": image, "--memory": memory, "--cpus": cpus })
    .filter(([, value]) => value !== undefined).map(([flag]) => flag);
  if (given.length > 0) throw new UsageError(`${given.join(", ")}: only for an agent in Docker`);
}

/**
 * Checks them.
 *
 * @param image What is run if none is given.
 * @throws {UsageError}
 */
export function containerOptions(
  { image, memory, cpus }: ContainerFlags,
  ownImage: AgentImage | undefined,
): DockerAgentOptions {
  const name = image ?? ownImage?.name;
  if (name === undefined) {
    throw new UsageError(
      "--acp in Docker needs --image: one with the coding agent in it, made with docker build " +
        "--target source-coding-agent --build-arg AGENT_PACKAGE=…",
    );
  }
  return {
    image: name,
    memoryBytes: memory === undefined ? undefined : memoryBytes(memory),
    cpus: cpus === undefined ? undefined : processors(cpus),
  };
}

/** The image that agents need; undefined if only who starts them can name it. */
export function imageFor(
  record: DockerRecord,
  { agent, acp }: { readonly agent?: string; readonly acp?: true },
  { npmPackage }: AgentsFacts,
): AgentImage | undefined {
  if (agent !== undefined && npmPackage !== undefined) {
    return codingAgentImage(record, agent, npmPackage);
  }
  return acp || agent !== undefined ? undefined : agentImage(record);
}

function memoryBytes(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes >= MIN_MEMORY) return bytes;
  throw new UsageError(
    `--memory is "${text}", it must be a size of 6MB or more, like 512MB or 2GB`,
  );
}

function processors(text: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (number >= 0.01 && number <= MAX_CPUS) return number;
  throw new UsageError(`--cpus is "${text}", allowed is 0.01 to ${MAX_CPUS}`);
}
