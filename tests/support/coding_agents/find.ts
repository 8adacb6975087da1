import { delimiter, dirname, join } from "node:path";
import { cacheFolder } from "../../../setup/mod.ts";
import type { PinnedAgent } from "./pinned.ts";

/** Variables that say where coding agents are: `OUROCODUS_TEST_AGENTS`, `PATH`, and the cache's. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a coding agent can be run, and how. */
export type Found =
  | { readonly kind: "found"; readonly program: string }
  /** `unwanted`: `OUROCODUS_TEST_AGENTS` is `none`. */
  | { readonly kind: "missing"; readonly reason: string; readonly unwanted: boolean };

/**
 * The folder in which `deno task agents` keeps coding agents, a folder for each.
 *
 * @returns `{cache}/test-agents`.
 * @throws {Error} If there is no folder for caches.
 */
export function agentsFolder(env: Environment): string {
  const cache = cacheFolder({ env });
  if (cache === undefined) {
    throw new Error("There is no cache folder for coding agents: set HOME or OUROCODUS_CACHE");
  }
  return join(cache, "test-agents");
}

/** The folder in which `deno task agents` keeps one: `{agents}/{name}-{version}`. */
export function agentFolder(agents: string, { name, version }: PinnedAgent): string {
  return join(agents, `${name}-${version}`);
}

/**
 * Looks for a coding agent of its pinned version: in `OUROCODUS_TEST_AGENTS`, a folder that has a
 * folder NAME or NAME-VERSION with `node_modules` for each; if that is not set, on PATH and then in
 * the cache. Other versions are passed over. `OUROCODUS_TEST_AGENTS=none` finds nothing.
 */
export function findCodingAgent(agent: PinnedAgent, env: Environment): Found {
  const own = env.OUROCODUS_TEST_AGENTS || undefined;
  if (own === "none") {
    return { kind: "missing", reason: "OUROCODUS_TEST_AGENTS is none", unwanted: true };
  }
  const folders = own === undefined
    ? [...(env.PATH ?? "").split(delimiter), ...cached(agent, env)]
    : [binFolder(join(own, agent.name)), binFolder(agentFolder(own, agent))];
  const others: string[] = [];
  for (const folder of folders) {
    const program = join(folder, agent.command[0]);
    const version = versionOf(program, agent.package);
    if (version === agent.version) return { kind: "found", program };
    if (version !== undefined) others.push(`${program} is version ${version}`);
  }
  const wanted = `${agent.package} ${agent.version} is not installed`;
  return { kind: "missing", reason: [wanted, ...others].join(", "), unwanted: false };
}

/** Where the cache would have it; nowhere without a cache. */
function cached(agent: PinnedAgent, env: Environment): string[] {
  if (cacheFolder({ env }) === undefined) return [];
  return [binFolder(agentFolder(agentsFolder(env), agent))];
}

/** Where npm puts programs in a folder that it installs into. */
function binFolder(folder: string): string {
  return join(folder, "node_modules", ".bin");
}

/**
 * The version of the package that a program belongs to, from the nearest package.json above it.
 *
 * @returns The version; `unknown` if it is no such package's; undefined if there is no program.
 */
function versionOf(program: string, packageName: string): string | undefined {
  let folder: string;
  try {
    folder = dirname(Deno.realPathSync(program));
  } catch {
    return undefined;
  }
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(Deno.readTextFileSync(join(folder, "package.json")));
      if (name === packageName) return String(version);
    } catch {
      // There is none, or it belongs to a part of the package.
    }
  }
  return "unknown";
}
