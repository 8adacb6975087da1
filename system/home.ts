/**
 * The folder in which a system that was started keeps its state, its logs and NATS' store.
 *
 * @module
 */
import { dirname, join, resolve } from "node:path";
import { type Environment, messageOf, readSettings, text } from "@ourocodus/protocol";
import { SystemError } from "./system_error.ts";

/** The paths in it, all absolute. */
export interface Home {
  readonly folder: string;
  /** What runs, see state_file.ts. */
  readonly state: string;
  /** Locked as long as a supervisor lives. */
  readonly lock: string;
  /** Locked while somebody starts the system, so that two don't try for the same ports. */
  readonly startLock: string;
  /** How the system in Docker was started, if one was. */
  readonly docker: string;
  /** The secret that relay and API of the system were started with, if they were. */
  readonly token: string;
  /** The agents that the next start starts again, see remembered_agents.ts. */
  readonly agents: string;
  readonly logs: string;
  /** JetStream's store. */
  readonly natsStore: string;
  /** What nats-server is configured with, see nats_config.ts. */
  readonly natsConfig: string;
}

/** Where the home is. */
export const HOME_SETTINGS = {
  folder: text(
    "OUROCODUS_HOME",
    "the home: state, logs, NATS' store and worktrees of what runs on this machine",
    { otherwise: ".ourocodus" },
  ),
};

/**
 * Finds the home: `OUROCODUS_HOME`, else `.ourocodus` in the nearest folder, from the current one
 * upwards, that has one already; else in the project's root (where `.git` is), or in the current
 * folder. It need not exist.
 *
 * @param cwd The current folder.
 */
export function findHome(env: Environment, cwd: string = Deno.cwd()): Home {
  const { folder } = readSettings(HOME_SETTINGS, env);
  if (folder !== undefined) return homeIn(resolve(cwd, folder));
  const root = nearest(cwd, NAME) ?? nearest(cwd, ".git") ?? cwd;
  return homeIn(join(root, NAME));
}

const NAME = ".ourocodus";

/**
 * Makes the folders, readable by their owner alone, as arguments and logs may hold secrets.
 *
 * @throws {SystemError} If they cannot be made, or written to.
 */
export async function makeHome(home: Home): Promise<void> {
  try {
    await Deno.mkdir(home.folder, { recursive: true, mode: 0o700 });
    await Deno.mkdir(join(home.logs, "agents"), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(join(home.folder, ".gitignore"), "*\n");
  } catch (error) {
    throw new SystemError(
      `Cannot keep state and logs in ${home.folder} (OUROCODUS_HOME says where): ` +
        messageOf(error),
      { cause: error },
    );
  }
}

/** The log of a part, or of an agent. */
export function logPath(home: Home, name: string, kind: "part" | "agent"): string {
  return kind === "part"
    ? join(home.logs, `${name}.log`)
    : join(home.logs, "agents", `${name}.log`);
}

function homeIn(folder: string): Home {
  return {
    folder,
    state: join(folder, "state.json"),
    lock: join(folder, "lock"),
    startLock: join(folder, "start.lock"),
    docker: join(folder, "docker.json"),
    token: join(folder, "token"),
    agents: join(folder, "agents.json"),
    logs: join(folder, "logs"),
    natsStore: join(folder, "nats"),
    natsConfig: join(folder, "nats.conf"),
  };
}

function nearest(folder: string, name: string): string | undefined {
  for (let at = folder;; at = dirname(at)) {
    if (exists(join(at, name))) return at;
    if (dirname(at) === at) return undefined;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false; // Not to be seen is not to be used.
  }
}
