import { basename } from "node:path";
import type { AgentHome } from "../../support/coding_agents/mod.ts";

/** The processes of a coding agent that work in a folder, and which of them is the agent itself. */
export interface Family {
  /** All of them: the agent, its parts, its commands, and the box that they are in. */
  readonly pids: readonly number[];
  /** The one that the agent program has started, in its box. */
  readonly agent: number;
}

/**
 * Finds the processes that work in a folder.
 *
 * @throws {Error} If there are none.
 */
export function familyIn(folder: string, home: AgentHome): Family {
  const pids = home.processes().filter((pid) => linkOf(pid, "cwd") === folder);
  const boxes = pids.filter((pid) => basename(linkOf(pid, "exe")) === "bwrap");
  const inside = pids.filter((pid) => !boxes.includes(pid));
  const agent = inside.find((pid) => !inside.includes(parentOf(pid)));
  if (agent === undefined) throw new Error(`No process works in ${folder}`);
  return { pids, agent };
}

/** Where a link of a process's folder in /proc leads; empty if it has ended. */
function linkOf(pid: number, name: "cwd" | "exe"): string {
  try {
    return Deno.readLinkSync(`/proc/${pid}/${name}`);
  } catch {
    return "";
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]);
  } catch {
    return 0;
  }
}
