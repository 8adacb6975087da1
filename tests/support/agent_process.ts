import type { AgentProgram } from "./agent_program.ts";
import { startProcess, type TestProcess } from "./processes.ts";
import { ROOT } from "./programs.ts";

/** How to run an agent; what work asks it to do stands in the work's payload, see `Task`. */
export interface StartAgentOptions extends AgentProgram {
  /** Whether to wait until it is connected; default true. */
  readonly wait?: boolean;
}

/** An agent in a process of its own. Its lines: `connected`, `began ID attempt N`, … */
export type AgentProcess = TestProcess;

/** How long an agent may take to start and connect, in milliseconds. */
const CONNECT_MS = 60_000;

/**
 * Starts an agent in a process of its own, and waits until it is connected.
 *
 * @param options Whom it serves, and how.
 * @returns The process; dispose of it with `await using`.
 */
export async function startAgent(options: StartAgentOptions): Promise<AgentProcess> {
  const { wait = true, ...program } = options;
  const script = `${ROOT}/tests/support/agent_program.ts`;
  const process = startProcess(Deno.execPath(), ["run", "-A", script, JSON.stringify(program)], {
    name: `agent ${program.agentId ?? ""}`.trim(),
  });
  if (!wait) return process;
  try {
    await process.waitForLine(/^connected$/, { timeoutMs: CONNECT_MS });
  } catch (error) {
    await process.kill();
    throw error;
  }
  return process;
}
