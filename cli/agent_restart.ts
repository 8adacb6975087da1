/**
 * `agent restart`: stops agents, starts them again, and waits until each is connected.
 *
 * @module
 */
import type { Connection } from "@ourocodus/bus";
import { askRelays } from "@ourocodus/ops";
import { pause } from "@ourocodus/protocol";
import {
  atRelay,
  awaitConnected,
  checkRuns,
  connectDocker,
  type ControlClient,
  ensureSupervisor,
  failure,
  findHome,
  type Home,
  type ManagedAgent,
  managedAgents,
  partEnvironment,
  type ProcessView,
  restartAgent,
  runningSystem,
  sizeOf,
  type StopOptions,
} from "@ourocodus/system";
import { type AgentStopFlags, announceStop } from "./agent_stop.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { connectNats } from "./nats.ts";
import { agentSelector } from "./select_agents.ts";
import { stopOptions } from "./stop.ts";
import { paint } from "./terminal_text.ts";

/** The command line of `agent restart`. */
export interface AgentRestartFlags extends AgentStopFlags {
  readonly nats?: string;
}

const LOOK_MS = 50;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
export function agentRestart(flags: AgentRestartFlags, console: Console): Promise<ExitCode> {
  const select = agentSelector(flags);
  const options = stopOptions(flags);
  return explainFailure(console, async () => {
    const home = findHome(console.env);
    const agents = select(await managedAgents(home, console.env));
    if (agents.length === 0) {
      await console.out.write("No agents to restart\n");
      return EXIT.ok;
    }
    await using connection = await connectNats(console, { url: flags.nats });
    const directory = await askRelays(connection, {}, { signal: console.signal });
    const before = new Map(directory.agents.map((agent) => [agent.agent_id, agent.connected_at]));
    if (!options.now) await announceStop(agents, console);
    const processes = agents.filter(({ runtime }) => runtime === "process");
    const containers = agents.filter(({ runtime }) => runtime === "docker");
    const restarted = [
      ...processes.length > 0 ? [await restartProcesses(home, processes, options, console)] : [],
      ...containers.length > 0 ? [await restartContainers(containers, options, console)] : [],
    ];
    const check = async () => void await Promise.all(restarted.map((one) => one.check()));
    await untilConnected(connection, agents, { before, check }, console);
    for (const { ready } of restarted) await ready();
    return EXIT.ok;
  });
}

interface Restarted {
  /** @throws {SystemError} If one has ended. */
  check(): Promise<void>;
  ready(): Promise<void>;
}

async function restartProcesses(
  home: Home,
  agents: readonly ManagedAgent[],
  options: StopOptions,
  console: Console,
): Promise<Restarted> {
  const environment = console.env.toObject?.() ?? {};
  const client = await ensureSupervisor(home, partEnvironment(environment));
  const names = agents.flatMap(({ name }) => name ?? []);
  const earlier = (await client.list() ?? []).filter(({ spec }) => names.includes(spec.name));
  const logs = new Map<string, number>();
  for (const { spec } of earlier) logs.set(spec.name, await sizeOf(spec.log));
  const relayUrl = (await runningSystem(console.env))?.relayUrl;
  const specs = relayUrl === undefined ? [] : earlier.map(({ spec }) => atRelay(spec, relayUrl));
  await client.ask({ type: "restart", names, specs, environment, options });
  await untilNew(client, earlier, console);
  return {
    check: () => checkRunning(client, earlier, logs),
    ready: async () => void await client.ask({ type: "ready", names }),
  };
}

async function restartContainers(
  agents: readonly ManagedAgent[],
  options: StopOptions,
  console: Console,
): Promise<Restarted> {
  const engine = await connectDocker(console.env);
  await Promise.all(
    agents.map(({ container }) => restartAgent(engine, container ?? "", options)),
  );
  return {
    async check() {
      for (const { name, container } of agents) {
        await checkRuns(engine, name ?? "", container ?? "");
      }
    },
    ready: () => Promise.resolve(),
  };
}

interface Waiting {
  /** When each had connected before. */
  readonly before: ReadonlyMap<string, string>;
  readonly check: () => Promise<void>;
}

async function untilConnected(
  connection: Connection,
  agents: readonly ManagedAgent[],
  { before, check }: Waiting,
  console: Console,
): Promise<void> {
  const colors = paint(console.out.hasColor);
  const groups = Map.groupBy(agents, ({ session, role }) => `${session} ${role}`);
  for (const group of groups.values()) {
    const [{ session, role } = { session: "", role: "" }] = group;
    await awaitConnected(connection, {
      session,
      role,
      ids: new Map(group.map(({ id }) => [id, before.get(id)])),
      check,
      onConnected: ({ agent_id, relay_id }) => {
        const name = group.find(({ id }) => id === agent_id)?.name ?? agent_id;
        void console.out.write(`${colors.green("✓")} ${name} connected to ${relay_id}\n`);
      },
      signal: console.signal,
    });
  }
}

/** Waits until none is what it was before. */
async function untilNew(
  client: ControlClient,
  earlier: readonly ProcessView[],
  console: Console,
): Promise<void> {
  for (;;) {
    console.signal.throwIfAborted();
    const now = new Map((await client.list() ?? []).map((view) => [view.spec.name, view]));
    const old = earlier.filter(({ spec, startedAt }) =>
      now.get(spec.name)?.startedAt === startedAt
    );
    if (old.length === 0) return;
    await pause(LOOK_MS, console.signal);
  }
}

async function checkRunning(
  client: ControlClient,
  views: readonly ProcessView[],
  logs: ReadonlyMap<string, number>,
): Promise<void> {
  const kept = await client.list() ?? [];
  for (const { spec: { name } } of views) {
    const view = kept.find(({ spec }) => spec.name === name);
    if (view?.status === "exited") throw await failure(view, logs.get(name));
  }
}
