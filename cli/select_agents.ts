/**
 * Which agents a command stops or starts again: the flags that say it, and choosing them.
 *
 * @module
 */
import type { Command } from "@commander-js/extra-typings";
import { type ManagedAgent, SystemError } from "@ourocodus/system";
import { nameFlag } from "./flag_values.ts";
import { ROLE, SESSION } from "./place_flags.ts";
import { UsageError } from "./usage_error.ts";

/** The flags that say which, and how they are stopped. */
export type SelectionFlags = {
  readonly session?: string;
  readonly role?: string;
  readonly all?: true;
  readonly now?: true;
  readonly timeout?: string;
};

/** Adds names of agents, and {@linkcode SelectionFlags}, to a command. */
export function selectionFlags(command: Command): Command<[string[]], SelectionFlags> {
  return command
    .argument("[agents...]", "their names or ids")
    .option(SESSION, "all agents of this session")
    .option(ROLE, "with --session: only agents of this role")
    .option("--all", "all agents that were started here")
    .option("--now", "don't let them finish: other agents get their work")
    .option("--timeout <duration>", "kill an agent that takes longer than this to end");
}

/** The part of a command line that says which. */
export type AgentSelection = Pick<SelectionFlags, "session" | "role" | "all"> & {
  readonly names: readonly string[];
};

/**
 * Makes the choice.
 *
 * @returns A function from the agents there are to those that are meant; it throws
 * {@linkcode SystemError} if one that is named is not among them.
 * @throws {UsageError} If the command line does not say which, or says it in two ways.
 */
export function agentSelector(
  { names, session, role, all }: AgentSelection,
): (agents: readonly ManagedAgent[]) => ManagedAgent[] {
  const ways = [names.length > 0, session !== undefined, all === true].filter(Boolean).length;
  if (ways !== 1) {
    throw new UsageError(`give ${ways === 0 ? "" : "only "}one of names, --session and --all`);
  }
  if (session === undefined && role !== undefined) {
    throw new UsageError("--role goes with --session");
  }
  if (all) return (agents) => [...agents];
  if (session !== undefined) {
    nameFlag("--session", session);
    if (role !== undefined) nameFlag("--role", role);
    return (agents) =>
      agents.filter((agent) =>
        agent.session === session && (role === undefined || agent.role === role)
      );
  }
  return (agents) =>
    [...new Set(names)].map((name) => {
      const agent = agents.find((agent) => agent.name === name || agent.id === name);
      if (agent !== undefined) return agent;
      const known = agents.map((agent) => agent.name).join(", ") || "none";
      throw new SystemError(
        `No agent ${JSON.stringify(name)} was started here (there are: ${known}). ` +
          `One that was started elsewhere is stopped there`,
      );
    });
}
