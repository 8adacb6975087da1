/**
 * How the system in Docker was started, so that other commands find it.
 *
 * @module
 */
import { isObject } from "@ourocodus/protocol";
import { type Home, makeHome } from "./home.ts";
import { writeHomeFile } from "./home_file.ts";

/** What the file says. */
export interface DockerRecord {
  /** The compose project. */
  readonly project: string;
  readonly natsPort: number;
  readonly relayPort: number;
  /** Not in records of earlier versions, which started no API. */
  readonly apiPort?: number;
  /** Which images: `source`, or what `OUROCODUS_IMAGES` was. */
  readonly images: string;
}

/** Reads it. @returns Undefined unless a system was started in Docker, and not stopped since. */
export async function readDockerRecord(home: Home): Promise<DockerRecord | undefined> {
  try {
    const record: unknown = JSON.parse(await Deno.readTextFile(home.docker));
    return isObject(record) && typeof record.project === "string"
      ? record as unknown as DockerRecord
      : undefined;
  } catch {
    return undefined;
  }
}

/** Writes it. */
export async function writeDockerRecord(home: Home, record: DockerRecord): Promise<void> {
  await makeHome(home);
  writeHomeFile(home.docker, `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Removes it, if it is there. */
export async function removeDockerRecord(home: Home): Promise<void> {
  await Deno.remove(home.docker).catch(() => {});
}
