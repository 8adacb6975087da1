/**
 * The end of `start`: the agents that an earlier one had are started again.
 *
 * @module
 */
import {
  awaitConnected,
  type FailedAgent,
  rememberedAgents,
  restoreAgents as restoreIn,
  type RestoredGroup,
  runningSystem,
  Runtimes,
  SystemError,
} from "@ourocodus/system";
import { connect, type Connection } from "@ourocodus/bus";
import type { Console } from "./console.ts";
import { runtimeContext } from "./runtime_context.ts";
import { harmless, paint } from "./terminal_text.ts";

/**
 * Starts agents again that are remembered and do not run, waits until they are connected, and tells
 * of each, also of those that were not started. They are no reason to fail: the system is up.
 *
 * @returns The names of those that were not started.
 */
export async function restoreAgents(console: Console): Promise<readonly string[]> {
  const failed: string[] = [];
  try {
    const context = runtimeContext(console);
    if ((await rememberedAgents(context.home)).length === 0) return failed;
    const running = await runningSystem(console.env);
    if (running === undefined) return failed;
    const { natsUrl: url } = running;
    await using connection = await connect({ url, name: "ourocodus start" });
    const restored = await restoreIn(await Runtimes.of(context), context);
    const onFailed = async (agent: FailedAgent) => {
      failed.push(agent.name);
      await tellFailed(agent, console);
    };
    for (const agent of restored.failed) await onFailed(agent);
    await Promise.all(
      restored.started.map((group) => tellGroup(connection, group, onFailed, console)),
    );
  } catch (error) {
    const explained = error instanceof Error &&
      (error instanceof SystemError || error.name === "ConnectError");
    if (!explained || console.signal.aborted) throw error;
    const { yellow } = paint(console.err.hasColor);
    await console.err.write(`${yellow("!")} agents were not started: ${harmless(error.message)}\n`);
  }
  return failed;
}

async function tellGroup(
  connection: Connection,
  { agents, started }: RestoredGroup,
  onFailed: (agent: FailedAgent) => Promise<void>,
  console: Console,
): Promise<void> {
  const { session = "", role = "" } = agents[0]?.wanted ?? {};
  const { green } = paint(console.out.hasColor);
  const names = new Map(agents.map(({ id, name }) => [id, name]));
  const connected = new Set<string>();
  const failed = new Set<string>();
  const check = async () => {
    for (const one of await started.ended()) {
      if (failed.has(one.id)) continue;
      failed.add(one.id);
      await onFailed(one);
    }
    return [...failed];
  };
  try {
    await awaitConnected(connection, {
      ...{ session, role, check, signal: console.signal },
      ids: new Map(agents.map(({ id }) => [id, undefined])),
      onConnected: ({ agent_id, relay_id }) => {
        const name = names.get(agent_id) ?? agent_id;
        connected.add(name);
        const place = `session ${session}, role ${role}`;
        void console.out.write(`${green("✓")} ${name} connected to ${relay_id}: ${place}\n`);
      },
    });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const left = agents.filter(({ id, name }) => !connected.has(name) && !failed.has(id));
    for (const { name } of left) await onFailed({ name, error });
  }
  await started.ready(connected);
}

async function tellFailed({ name, error }: FailedAgent, console: Console): Promise<void> {
  const { yellow } = paint(console.err.hasColor);
  const lines = error.lines.map((line) => `    ${harmless(line)}\n`).join("");
  await console.err.write(
    `${yellow("!")} ${name} does not work again: ${harmless(error.message)}\n${lines}` +
      `  "ourocodus agent restart ${name}" tries it again, "agent stop ${name}" forgets it\n`,
  );
}
