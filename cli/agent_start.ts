/**
 * `agent start`: starts agents and waits until each is connected.
 *
 * @module
 */
import type { Connection } from "@ourocodus/bus";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { connectNats } from "./nats.ts";
import { type AgentFlags, type AgentsWanted, agentsWanted } from "./system/agent_spec.ts";
import { awaitConnected } from "./system/await_connected.ts";
import { failure, takeDown } from "./system/bring_up.ts";
import { type ControlClient, SHOWN_LINES } from "./system/control_client.ts";
import { explainFailure } from "./system/explain_failure.ts";
import { findHome } from "./system/home.ts";
import { lastLines } from "./system/log_file.ts";
import { type StartedAgent, startProcessAgents } from "./system/process_agents.ts";
import { runningSystem } from "./system/running_system.ts";
import { SystemError } from "./system/system_error.ts";
import { paint } from "./terminal_text.ts";

/** The command line of `agent start`. */
export interface AgentStartFlags extends AgentFlags {
  readonly relay?: string;
  readonly nats?: string;
}

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
export function agentStart(flags: AgentStartFlags, console: Console): Promise<ExitCode> {
  const wanted = agentsWanted(flags);
  return explainFailure(console, async () => {
    const relayUrl = flags.relay ?? (console.env.get("RELAY_URL")?.trim() ||
      (await runningSystem(console.env))?.relayUrl) ??
      "ws://localhost:8080";
    await using connection = await natsOf(flags, console);
    const { client, agents } = await startProcessAgents(findHome(console.env), wanted, {
      relayUrl,
      environment: console.env.toObject?.() ?? {},
    });
    try {
      await untilConnected(connection, { client, agents, wanted, relayUrl }, console);
    } catch (error) {
      await takeDown(client, agents.map(({ name }) => name));
      throw error;
    }
    return EXIT.ok;
  });
}

/** Connects to NATS, which knows the relays; says what to do where there is none. */
async function natsOf(flags: AgentStartFlags, console: Console): Promise<Connection> {
  try {
    return await connectNats(console, { url: flags.nats });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ConnectError") throw error;
    throw new SystemError(`${error.message}. "ourocodus start" starts one`, { cause: error });
  }
}

interface Starting {
  readonly client: ControlClient;
  readonly agents: readonly StartedAgent[];
  readonly wanted: AgentsWanted;
  readonly relayUrl: string;
}

async function untilConnected(
  connection: Connection,
  { client, agents, wanted: { session, role }, relayUrl }: Starting,
  console: Console,
): Promise<void> {
  const colors = paint(console.out.hasColor);
  const names = new Map(agents.map(({ id, name }) => [id, name]));
  try {
    await awaitConnected(connection, {
      session,
      role,
      ids: new Map(agents.map(({ id }) => [id, undefined])),
      check: () => checkRunning(client, agents),
      onConnected: ({ agent_id, relay_id }) =>
        void console.out.write(
          `${colors.green("✓")} ${names.get(agent_id)} connected to ${relay_id}: ` +
            `session ${session}, role ${role}\n`,
        ),
      signal: console.signal,
    });
  } catch (error) {
    const [first] = agents;
    if (!(error instanceof SystemError) || error.lines.length > 0 || !first) throw error;
    throw new SystemError(`${error.message} (relay: ${relayUrl}). The end of ${first.log}:`, {
      lines: await lastLines(first.log, SHOWN_LINES, { from: first.logFrom }),
    });
  }
  await client.ask({ type: "ready", names: agents.map(({ name }) => name) });
}

async function checkRunning(
  client: ControlClient,
  agents: readonly StartedAgent[],
): Promise<void> {
  const kept = await client.list() ?? [];
  for (const { name, logFrom } of agents) {
    const view = kept.find(({ spec }) => spec.name === name);
    if (view === undefined) throw new SystemError(`${name} was stopped meanwhile`);
    if (view.status === "exited") throw await failure(view, logFrom);
  }
}
