/**
 * The end of `start`: the agents that an earlier one had are started again.
 *
 * @module
 */
import {
  awaitConnected,
  type ControlClient,
  type DockerEngine,
  type DockerRecord,
  type FailedAgent,
  type Home,
  type RememberedAgent,
  rememberedAgents,
  type RememberedRuntime,
  restoreContainers,
  type RestoredAgents,
  restoreProcesses,
  runningSystem,
  SystemError,
} from "@ourocodus/system";
import { connect, type Connection } from "@ourocodus/bus";
import type { Console } from "./console.ts";
import { harmless, paint } from "./terminal_text.ts";

/** Where the system runs whose agents are to be restored. */
export interface RestorePlace {
  readonly home: Home;
  /** The supervisor; needed only if agents are remembered that are processes. */
  readonly client: () => Promise<ControlClient>;
  /** The system in Docker, for containers. */
  readonly docker?: { readonly engine: DockerEngine; readonly record: DockerRecord };
}

/**
 * Starts agents again that are remembered and do not run, waits until they are connected, and tells
 * of each, also of those that were not started. They are no reason to fail: the system is up.
 *
 * @returns The names of those that were not started.
 */
export async function restoreAgents(
  { home, client, docker }: RestorePlace,
  console: Console,
): Promise<readonly string[]> {
  const failed: string[] = [];
  try {
    const agents = await rememberedAgents(home);
    const has = (kind: RememberedRuntime["kind"]) =>
      agents.some(({ runtime }) => runtime.kind === kind);
    if (agents.length === 0) return failed;
    const running = await runningSystem(console.env);
    if (running === undefined) return failed;
    const options = {
      environment: console.env.toObject?.() ?? {},
      env: console.env,
      relayUrl: running.relayUrl,
    };
    const { natsUrl: url } = running;
    await using connection = await connect({ url, name: "ourocodus start" });
    const all = [
      ...has("process") ? [await restoreProcesses(home, await client(), options)] : [],
      ...docker === undefined
        ? []
        : [await restoreContainers(home, docker.engine, docker.record, options)],
    ];
    const onFailed = async (agent: FailedAgent) => {
      failed.push(agent.agent.name);
      await tellFailed(agent, console);
    };
    await Promise.all(all.map((restored) => tell(connection, restored, onFailed, console)));
  } catch (error) {
    const explained = error instanceof Error &&
      (error instanceof SystemError || error.name === "ConnectError");
    if (!explained || console.signal.aborted) throw error;
    const { yellow } = paint(console.err.hasColor);
    await console.err.write(`${yellow("!")} agents were not started: ${harmless(error.message)}\n`);
  }
  return failed;
}

type OnFailed = (failed: FailedAgent) => Promise<void>;

async function tell(
  connection: Connection,
  restored: RestoredAgents,
  onFailed: OnFailed,
  console: Console,
): Promise<void> {
  for (const failed of restored.failed) await onFailed(failed);
  const groups = Map.groupBy(restored.started, ({ wanted }) => `${wanted.session} ${wanted.role}`);
  await Promise.all(
    [...groups.values()].map((group) =>
      tellGroup({ connection, restored, group, onFailed }, console)
    ),
  );
}

/** Agents of one session and role. */
interface Group {
  readonly connection: Connection;
  readonly restored: RestoredAgents;
  readonly group: readonly RememberedAgent[];
  readonly onFailed: OnFailed;
}

async function tellGroup(
  { connection, restored, group, onFailed }: Group,
  console: Console,
): Promise<void> {
  const { session = "", role = "" } = group[0]?.wanted ?? {};
  const { green } = paint(console.out.hasColor);
  const connected: RememberedAgent[] = [];
  const failed = new Set<string>();
  const check = async () => {
    for (const one of await restored.ended()) {
      if (!group.includes(one.agent) || failed.has(one.agent.id)) continue;
      failed.add(one.agent.id);
      await onFailed(one);
    }
    return [...failed];
  };
  try {
    await awaitConnected(connection, {
      ...{ session, role, check, signal: console.signal },
      ids: new Map(group.map(({ id }) => [id, undefined])),
      onConnected: ({ agent_id, relay_id }) => {
        const agent = group.find(({ id }) => id === agent_id);
        if (agent === undefined) return;
        connected.push(agent);
        void console.out.write(
          `${
            green("✓")
          } ${agent.name} connected to ${relay_id}: session ${session}, role ${role}\n`,
        );
      },
    });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const left = group.filter((agent) => !connected.includes(agent) && !failed.has(agent.id));
    for (const agent of left) await onFailed({ agent, error });
  }
  await restored.ready(connected);
}

async function tellFailed(
  { agent: { name }, error }: FailedAgent,
  console: Console,
): Promise<void> {
  const { yellow } = paint(console.err.hasColor);
  const lines = error.lines.map((line) => `    ${harmless(line)}\n`).join("");
  await console.err.write(
    `${yellow("!")} ${name} does not work again: ${harmless(error.message)}\n${lines}` +
      `  "ourocodus agent restart ${name}" tries it again, "agent stop ${name}" forgets it\n`,
  );
}
