/**
 * Docker Compose: v2 as `docker compose`, or v1's `docker-compose` where that is all there is.
 *
 * @module
 */
import { runToEnd } from "@ourocodus/setup";
import type { DockerRecord } from "./docker_record.ts";
import { composeFile } from "./programs.ts";
import { SystemError } from "./system_error.ts";

/** Options of {@linkcode runCompose}. */
export interface ComposeOptions {
  readonly record: DockerRecord;
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Told what it says, as it comes. */
  readonly onOutput: (text: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs it on our compose file.
 *
 * @throws {SystemError} If there is no Compose, or it fails.
 */
export async function runCompose(
  args: readonly string[],
  { record, environment, onOutput, signal }: ComposeOptions,
): Promise<void> {
  const [command = "", ...first] = await composeCommand(environment);
  const words = [...first, "--file", composeFile(), "--project-name", record.project, ...args];
  const { code } = await runToEnd(command, words, {
    env: {
      ...environment,
      OUROCODUS_NATS_PORT: String(record.natsPort),
      OUROCODUS_RELAY_PORT: String(record.relayPort),
      OUROCODUS_API_PORT: String(record.apiPort ?? DEFAULT_API_PORT),
      OUROCODUS_IMAGES: record.images,
    },
    ...{ onOutput, onError: onOutput, signal },
  });
  if (code === 0) return;
  throw new SystemError(`${command} ${[...first, ...args].join(" ")} ended with exit code ${code}`);
}

/** Where the API is, unless it is told. */
export const DEFAULT_API_PORT = 9000;

const COMMANDS = [["docker", "compose"], ["docker-compose"]] as const;

async function composeCommand(
  environment: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  for (const words of COMMANDS) {
    const [command, ...args] = words;
    try {
      const { success } = await runToEnd(command, [...args, "version"], { env: environment });
      if (success) return words;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new SystemError(
    `Neither "docker compose" nor "docker-compose" is there. Install Docker Compose, or go on ` +
      `without Docker: ourocodus start`,
  );
}
