/**
 * The flags of `agent start` that are about its container.
 *
 * @module
 */
import type { DockerAgentOptions, DockerRecord } from "@ourocodus/system";
import { parseBytes } from "@ourocodus/bus";
import { UsageError } from "./usage_error.ts";
import { agentImage } from "./docker_system.ts";

/** As they were given. */
export interface ContainerFlags {
  readonly image?: string;
  readonly memory?: string;
  readonly cpus?: string;
}

/** Docker takes no less, in bytes. */
const MIN_MEMORY = 6 * 2 ** 20;
const MAX_CPUS = 1_024;

/**
 * Checks them.
 *
 * @param record The system in Docker; undefined if the agent is to be a process, where none of
 * them may be given.
 * @throws {UsageError}
 */
export function containerOptions(
  { image, memory, cpus }: ContainerFlags,
  record: DockerRecord | undefined,
): DockerAgentOptions {
  const given = Object.entries({ "--image": image, "--memory": memory, "--cpus": cpus })
    .filter(([, value]) => value !== undefined).map(([flag]) => flag);
  if (record === undefined && given.length > 0) {
    throw new UsageError(`${given.join(", ")}: only for an agent in Docker`);
  }
  return {
    image: image ?? (record === undefined ? "" : agentImage(record)),
    memoryBytes: memory === undefined ? undefined : memoryBytes(memory),
    cpus: cpus === undefined ? undefined : processors(cpus),
  };
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
