import { dirname, join } from "node:path";
import { runProcess } from "../processes.ts";
import { agentFolder, agentsFolder, type Environment, findCodingAgent } from "./find.ts";
import { PINNED_AGENTS, type PinnedAgent } from "./pinned.ts";

/** How many installations run at once. */
const AT_ONCE = 2;
const TRIES = 3;
/** How long one try may take, in milliseconds. */
const TIMEOUT_MS = 300_000;

/**
 * Installs the coding agents that are not there, each into a folder of its own in the cache, by npm
 * and without scripts of packages.
 *
 * @param env Where to look and where to install; see `findCodingAgent`.
 * @param say Told of each agent, in a line.
 * @returns Those that could not be installed.
 */
export async function installCodingAgents(
  env: Environment,
  say: (line: string) => void,
): Promise<PinnedAgent[]> {
  const failed: PinnedAgent[] = [];
  const left = [...PINNED_AGENTS];
  async function work(): Promise<void> {
    for (let agent = left.shift(); agent !== undefined; agent = left.shift()) {
      const found = findCodingAgent(agent, env);
      const what = `${agent.name}: ${agent.package} ${agent.version}`;
      if (found.kind === "found") say(`${what} is at ${found.program}`);
      else if (await install(agent, agentsFolder(env), say)) say(`${what} was installed`);
      else failed.push(agent);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failed;
}

async function install(
  agent: PinnedAgent,
  agents: string,
  say: (line: string) => void,
): Promise<boolean> {
  for (let tries = 1; tries <= TRIES; tries++) {
    try {
      await installOnce(agent, agentFolder(agents, agent));
      return true;
    } catch (error) {
      say(`${agent.name}: try ${tries} of ${TRIES} failed: ${(error as Error).message}`);
    }
  }
  return false;
}

/** Installs into another folder first, so that what is there is whole. */
async function installOnce(agent: PinnedAgent, folder: string): Promise<void> {
  await Deno.mkdir(dirname(folder), { recursive: true });
  const partial = await Deno.makeTempDir({ dir: dirname(folder), prefix: ".partial-" });
  try {
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
    const what = `${agent.package}@${agent.version}`;
    await run("npm", ["install", "--prefix", partial, ...flags, what], partial);
    if (agent.afterInstall !== undefined) {
      await run("node", [agent.afterInstall], join(partial, "node_modules", agent.package));
    }
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    await Deno.rename(partial, folder);
  } finally {
    await Deno.remove(partial, { recursive: true }).catch(() => {});
  }
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const done = await runProcess(program, args, { cwd, timeoutMs: TIMEOUT_MS });
  if (done.code === 0) return;
  const output = `${done.stdout}${done.stderr}`.trim().slice(-2_000);
  throw new Error(`${program} ${args.join(" ")} ended with ${done.code}: ${output}`);
}
