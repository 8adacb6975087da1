import { type Environment, findCodingAgent } from "./find.ts";
import { type AgentHome, makeAgentHome } from "./home.ts";
import { type CodingAgentName, PINNED_AGENTS, type PinnedAgent } from "./pinned.ts";

/** A real coding agent that is installed here. */
export interface TestCodingAgent extends PinnedAgent {
  /** The absolute path of its program. */
  readonly program: string;
  /** Makes a home in which it talks to the model's double at this URL. */
  home(modelUrl: string): Promise<AgentHome>;
}

/** Which agents {@linkcode forEachCodingAgent} makes a test for. */
export interface ForEachOptions {
  /** Default all. */
  readonly only?: readonly CodingAgentName[];
}

/**
 * Lists the coding agents that are installed here.
 *
 * @returns In the order of {@linkcode PINNED_AGENTS}.
 */
export function codingAgentsHere(): TestCodingAgent[] {
  return PINNED_AGENTS.flatMap((agent) => {
    const found = findCodingAgent(agent, Deno.env.toObject());
    return found.kind === "found" ? [installed(agent, found.program)] : [];
  });
}

/**
 * Says in a line which coding agents tests run here, and which not, and why.
 *
 * @example
 * ```ts
 * import { describeCodingAgents } from "./for_each.ts";
 *
 * console.log(describeCodingAgents({ OUROCODUS_TEST_AGENTS: "none" }));
 * // Testing with no coding agents: OUROCODUS_TEST_AGENTS is none
 * ```
 */
export function describeCodingAgents(env: Environment): string {
  const all = PINNED_AGENTS.map((agent) => ({ ...agent, found: findCodingAgent(agent, env) }));
  const here = all.filter(({ found }) => found.kind === "found")
    .map(({ name, version }) => `${name} ${version}`);
  const reasons = all.flatMap(({ found }) => found.kind === "missing" ? [found.reason] : []);
  const begin = `Testing with ${here.join(", ") || "no coding agents"}`;
  return reasons.length === 0 ? begin : `${begin}: ${[...new Set(reasons)].join("; ")}`;
}

/**
 * Makes a test for each coding agent. The test of one that is not installed is ignored, and its name
 * says why; in CI, that is if `CI` is set, it fails. There are none at all if
 * `OUROCODUS_TEST_AGENTS` is `none`.
 *
 * @param name What the test shows, with a verb: `edits a repository` becomes `claude edits a
 * repository`.
 * @param run The test.
 */
export function forEachCodingAgent(
  name: string,
  run: (agent: TestCodingAgent, t: Deno.TestContext) => Promise<void>,
  options: ForEachOptions = {},
): void {
  const env = Deno.env.toObject();
  for (const agent of PINNED_AGENTS) {
    if (options.only !== undefined && !options.only.includes(agent.name)) continue;
    const title = `${agent.name} ${name}`;
    const found = findCodingAgent(agent, env);
    if (found.kind === "found") {
      Deno.test(title, (t) => run(installed(agent, found.program), t));
    } else if (found.unwanted) {
      continue;
    } else if (env.CI) {
      Deno.test(title, () => {
        throw new Error(`${found.reason}: run deno task agents`);
      });
    } else {
      Deno.test({ name: `${title} (not run: ${found.reason})`, ignore: true, fn() {} });
    }
  }
}

function installed(agent: PinnedAgent, program: string): TestCodingAgent {
  return {
    ...agent,
    program,
    home: (modelUrl) => makeAgentHome(agent.name, program, modelUrl),
  };
}
