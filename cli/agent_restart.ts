/**
 * `agent restart`: stops agents, starts them again, and waits until each is connected.
 *
 * @module
 */
import { askRelays } from "@ourocodus/bus";
import { type AgentStopFlags, announceStop } from "./agent_stop.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { connectNats } from "./nats.ts";
import { stopOptions } from "./stop.ts";
import { awaitConnected } from "./system/await_connected.ts";
import { failure } from "./system/bring_up.ts";
import { type ControlClient, ensureSupervisor } from "./system/control_client.ts";
import { explainFailure } from "./system/explain_failure.ts";
import { findHome } from "./system/home.ts";
import { managedAgents } from "./system/managed_agents.ts";
import { pause, sizeOf } from "./system/log_file.ts";
import { agentEnvironment } from "./system/process_agents.ts";
import type { ProcessView } from "./system/process_spec.ts";
import { agentSelector } from "./system/select_agents.ts";
import { partEnvironment } from "./system/system_parts.ts";
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
    const agents = select(await managedAgents(home));
    if (agents.length === 0) {
      await console.out.write("No agents to restart\n");
      return EXIT.ok;
    }
    await using connection = await connectNats(console, { url: flags.nats });
    const directory = await askRelays(connection, {}, { signal: console.signal });
    const before = new Map(directory.agents.map((agent) => [agent.agent_id, agent.connected_at]));
    const environment = console.env.toObject?.() ?? {};
    const client = await ensureSupervisor(home, partEnvironment(environment));
    if (!options.now) await announceStop(agents, console);
    const names = new Set(agents.map(({ name }) => name));
    const earlier = (await client.list() ?? []).filter(({ spec }) => names.has(spec.name));
    const logs = new Map<string, number>();
    for (const { spec } of earlier) logs.set(spec.name, await sizeOf(spec.log));
    await client.ask({
      type: "restart",
      names: [...names].filter((name) => name !== null),
      environment: agentEnvironment(environment),
      options,
    });
    await untilNew(client, earlier, console);
    const colors = paint(console.out.hasColor);
    for (const group of byRole(earlier)) {
      await awaitConnected(connection, {
        ...group,
        ids: new Map(group.views.map(({ spec }) => {
          const id = spec.agent?.id ?? spec.name;
          return [id, before.get(id)];
        })),
        check: () => checkRunning(client, group.views, logs),
        onConnected: ({ agent_id, relay_id }) => {
          const name = agents.find(({ id }) => id === agent_id)?.name ?? agent_id;
          void console.out.write(`${colors.green("✓")} ${name} connected to ${relay_id}\n`);
        },
        signal: console.signal,
      });
    }
    await client.ask({ type: "ready", names: earlier.map(({ spec }) => spec.name) });
    return EXIT.ok;
  });
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

interface Group {
  readonly session: string;
  readonly role: string;
  readonly views: ProcessView[];
}

function byRole(views: readonly ProcessView[]): Group[] {
  const groups = new Map<string, Group>();
  for (const view of views) {
    const { session = "", role = "" } = view.spec.agent ?? {};
    const key = `${session} ${role}`;
    const group = groups.get(key) ?? { session, role, views: [] };
    group.views.push(view);
    groups.set(key, group);
  }
  return [...groups.values()];
}
