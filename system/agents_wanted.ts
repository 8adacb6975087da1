/**
 * Agents that are to be started, whatever they run in.
 *
 * @module
 */

/** What is wanted: `count` agents that differ in their names alone. */
export interface AgentsWanted {
  readonly session: string;
  readonly role: string;
  readonly count: number;
  readonly concurrency: number;
  /** What they are called, or the beginning of it; undefined: they are called for their role. */
  readonly name: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Variables that they get from the environment of the command that starts them, by name. */
  readonly passedEnv: readonly string[];
  /** How long running work may take when they are stopped, in milliseconds. */
  readonly drainMs: number;
  /** Arguments of the agent program. */
  readonly args: readonly string[];
  /** The folder that a command runs in, absolute, if one was given. */
  readonly cwd: string | undefined;
  /** What lets them in to relays, if that is needed. */
  readonly token?: string;
}

/** An agent's name here, and the id by which relays know it. */
export interface AgentName {
  readonly name: string;
  readonly id: string;
}

/** How long the beginning of a name may be that is made from a role. */
export const MAX_AGENT_NAME = 48;

/** Names for agents; ids are never used again, so that no two agents are taken for one. */
export function agentNames(wanted: AgentsWanted, taken: ReadonlySet<string>): AgentName[] {
  const { name, count, role } = wanted;
  const named = (name: string): AgentName => ({
    name,
    id: `${name}-${crypto.randomUUID().slice(0, 8)}`,
  });
  if (name !== undefined && count === 1) return [named(name)];
  const names: AgentName[] = [];
  const stem = name ?? role.slice(0, MAX_AGENT_NAME);
  for (let number = 1; names.length < count; number++) {
    const free = `${stem}-${number}`;
    if (!taken.has(free)) names.push(named(free));
  }
  return names;
}

/** The variables that tell the agent program what to do. */
export function agentVariables(wanted: AgentsWanted, id: string): Record<string, string> {
  return {
    // The secret of the user who starts it is not the agent's, nor that of a file.
    ...(wanted.token !== undefined && { OUROCODUS_TOKEN: wanted.token, OUROCODUS_TOKEN_FILE: "" }),
    ...wanted.env,
    SESSION_ID: wanted.session,
    ROLE: wanted.role,
    AGENT_ID: id,
    CONCURRENCY: String(wanted.concurrency),
    DRAIN_SECONDS: `${wanted.drainMs}ms`,
  };
}

/** Variables that are handed on by name, with their values. */
export function passed(
  { passedEnv }: Pick<AgentsWanted, "passedEnv">,
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    passedEnv.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
