/**
 * `agent stop`: asks the supervisor to stop agents, and tells as it happens.
 *
 * @module
 */
import {
  connectDocker,
  ensureSupervisor,
  findHome,
  type Home,
  type ManagedAgent,
  managedAgents,
  partEnvironment,
  removeAgent,
  type StopOptions,
} from "@ourocodus/system";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { stopOptions, untilStopped } from "./stop.ts";
import { explainFailure } from "./explain_failure.ts";
import { type AgentSelection, agentSelector } from "./select_agents.ts";
import { paint } from "./terminal_text.ts";

/** The command line of `agent stop`. */
export interface AgentStopFlags extends AgentSelection {
  readonly now?: true;
  readonly timeout?: string;
}

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
export function agentStop(flags: AgentStopFlags, console: Console): Promise<ExitCode> {
  const select = agentSelector(flags);
  const options = stopOptions(flags);
  return explainFailure(console, async () => {
    const home = findHome(console.env);
    const agents = select(await managedAgents(home, console.env));
    if (agents.length === 0) {
      await console.out.write("No agents to stop\n");
      return EXIT.ok;
    }
    if (!options.now) await announceStop(agents, console);
    await Promise.all([
      stopProcesses(home, agents.filter(({ runtime }) => runtime === "process"), options, console),
      stopContainers(agents.filter(({ runtime }) => runtime === "docker"), options, console),
    ]);
    return EXIT.ok;
  });
}

async function stopProcesses(
  home: Home,
  agents: readonly ManagedAgent[],
  options: StopOptions,
  console: Console,
): Promise<void> {
  if (agents.length === 0) return;
  // Those whose supervisor was killed are taken over first.
  const client = await ensureSupervisor(home, partEnvironment(console.env.toObject?.() ?? {}));
  const names = new Set(agents.map(({ name }) => name));
  const views = (await client.list() ?? []).filter(({ spec }) => names.has(spec.name));
  await client.ask({ type: "stop", names: views.map(({ spec }) => spec.name), options });
  await untilStopped(client, views, console);
}

async function stopContainers(
  agents: readonly ManagedAgent[],
  options: StopOptions,
  console: Console,
): Promise<void> {
  if (agents.length === 0) return;
  const engine = await connectDocker(console.env);
  const colors = paint(console.out.hasColor);
  await Promise.all(agents.map(async ({ name, container }) => {
    await removeAgent(engine, container ?? "", options);
    await console.out.write(`${colors.green("✓")} ${name} stopped\n`);
  }));
}

/** Says that it may take a while. */
export async function announceStop(
  agents: readonly ManagedAgent[],
  console: Console,
): Promise<void> {
  const running = agents.filter(({ runs }) => runs);
  if (running.length === 0) return;
  const names = running.map(({ name }) => name).join(", ");
  await console.out.write(`Stopping ${names}, after what is in hand (--now does not wait)\n`);
}
