/**
 * Starting the agents again that an earlier `start` had. Each is looked at first: one that cannot
 * run any more, as its repository is gone, does not keep the others from it.
 *
 * @module
 */
import type { AgentsWanted } from "./agents_wanted.ts";
import { checkAgents } from "./check_agents.ts";
import { isAmong, type RememberedAgent, rememberedAgents } from "./remembered_agents.ts";
import type { RuntimeContext, StartedAgents } from "./runtime.ts";
import type { Runtimes } from "./runtimes.ts";
import { SystemError } from "./system_error.ts";
import { agentToken } from "./system_token.ts";

/** What came of it. */
export interface RestoredAgents {
  /** Those that were started, and may not be connected yet; those of one list differ in their names. */
  readonly started: readonly RestoredGroup[];
  /** Those that were not. */
  readonly failed: readonly FailedAgent[];
}

/** Agents that were started again. */
export interface RestoredGroup {
  readonly agents: readonly RememberedAgent[];
  readonly started: StartedAgents;
}

/** An agent that could not be started again, or has ended. */
export interface FailedAgent {
  readonly name: string;
  readonly error: SystemError;
}

/** Starts remembered agents that are not there. */
export async function restoreAgents(
  runtimes: Runtimes,
  context: RuntimeContext,
): Promise<RestoredAgents> {
  const isThere = isAmong((await runtimes.list()).filter(({ isKept }) => isKept));
  const missing = (await rememberedAgents(context.home)).filter((agent) =>
    runtimes.has(agent.runtime.kind) && !isThere(agent)
  );
  const alike = Map.groupBy(missing, ({ wanted, runtime, variables }) => {
    const { name: _, count: __, ...rest } = wanted;
    return JSON.stringify([rest, runtime, variables]);
  });
  const failed: FailedAgent[] = [];
  const started: RestoredGroup[] = [];
  for (const agents of alike.values()) {
    const [first] = agents;
    if (first === undefined) continue;
    const { runtime } = first;
    try {
      const wanted = await withToken(first, context);
      const reason = await obstacle(first, wanted, context);
      if (reason !== undefined) {
        await runtimes.keep(agents, wanted, runtime, reason);
        throw new SystemError(reason);
      }
      started.push({ agents, started: await runtimes.start(wanted, runtime, agents) });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      failed.push(...agents.map(({ name }) => ({ name, error })));
    }
  }
  return { started, failed };
}

async function withToken(
  { wanted }: RememberedAgent,
  { env, home }: RuntimeContext,
): Promise<AgentsWanted> {
  const token = await agentToken(env, home, wanted);
  return { ...wanted, ...(token !== undefined && { token }) };
}

/** What stands in an agent's way, in one line; undefined if nothing does. */
async function obstacle(
  { runtime, variables }: RememberedAgent,
  wanted: AgentsWanted,
  { env, home }: RuntimeContext,
): Promise<string | undefined> {
  const environment = env.toObject?.() ?? {};
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

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}
