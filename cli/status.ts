/**
 * `status`: looks at the parts, the streams and the agents.
 *
 * @module
 */
import {
  type AgentRow,
  agentRows,
  connectDocker,
  dockerAgents,
  type DockerRecord,
  findHome,
  lookAtSystem,
  type ManagedAgent,
  managedProcess,
  type ProcessView,
  readDockerRecord,
  SYSTEM_PARTS,
  SystemError,
  type SystemLook,
  type SystemPart,
} from "@ourocodus/system";
import { askRelays, connect, type DirectoryAgent, messageOf, streamNumbers } from "@ourocodus/bus";
import type { StreamNumbers } from "@ourocodus/bus";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { agentTable } from "./agent_table.ts";
import { bytesText } from "./bytes_text.ts";
import { systemContainers } from "./docker_system.ts";
import { explainFailure } from "./explain_failure.ts";
import { type Cell, table } from "./table.ts";
import { count, type Paint, paint, span } from "./terminal_text.ts";

/** Flags of `status`. */
export interface StatusFlags {
  readonly json?: true;
  readonly docker?: true;
}

interface PartStatus {
  readonly name: string;
  readonly status: "healthy" | "unhealthy" | "starting" | "restarting" | "down";
  readonly port: number | null;
  readonly pid: number | null;
  /** The container's id, in Docker. */
  readonly container: string | null;
  readonly since: string | null;
  readonly version: string | null;
  readonly restarts: number;
}

interface Status {
  readonly healthy: boolean;
  readonly home: string;
  readonly runtime: "process" | "docker";
  /** Null in Docker, which does that itself. */
  readonly supervisor: PartStatus | null;
  readonly parts: readonly PartStatus[];
  readonly streams: StreamNumbers | null;
  readonly agents: readonly AgentRow[];
}

/** Runs the command. */
export function status(flags: StatusFlags, console: Console): Promise<ExitCode> {
  return explainFailure(console, async () => {
    const home = findHome(console.env);
    const docker = await readDockerRecord(home);
    if (docker === undefined && flags.docker) {
      throw new SystemError(`No system was started in Docker from ${home.folder}`);
    }
    const look = await lookAtSystem(home);
    const processes = look.processes.flatMap((view) => managedProcess(view) ?? []);
    const found = docker === undefined
      ? await processStatus(look)
      : await dockerStatus(docker, console);
    const inside = await askInside(found.natsUrl, console);
    const { runtime, supervisor, parts, containers } = found;
    const kept = supervisor === null ? parts : [supervisor, ...parts];
    const status: Status = {
      healthy: parts.length > 0 && kept.every((part) => part.status === "healthy"),
      home: home.folder,
      runtime,
      supervisor,
      parts,
      streams: inside?.streams ?? null,
      agents: agentRows([...processes, ...containers], inside?.agents ?? []),
    };
    if (flags.json) await console.out.write(`${JSON.stringify(status)}\n`);
    else await console.out.write(statusText(status, paint(console.out.hasColor)));
    return status.healthy ? EXIT.ok : EXIT.failed;
  });
}

type Found = Pick<Status, "runtime" | "supervisor" | "parts"> & {
  readonly natsUrl: string | undefined;
  /** Agents in containers. */
  readonly containers: readonly ManagedAgent[];
};

async function processStatus(look: SystemLook): Promise<Found> {
  const nats = look.processes.find(({ spec }) => spec.name === SYSTEM_PARTS[0]?.name);
  return {
    runtime: "process",
    supervisor: supervisorStatus(look),
    parts: await Promise.all(SYSTEM_PARTS.map((part) => partStatus(part, look))),
    natsUrl: nats?.identity && `nats://127.0.0.1:${nats.spec.port}`,
    containers: [],
  };
}

async function dockerStatus(record: DockerRecord, console: Console): Promise<Found> {
  const engine = await connectDocker(console.env);
  const parts = (await systemContainers(engine, record)).map((part): PartStatus => ({
    ...part,
    pid: null,
    container: part.id.slice(0, 12),
  }));
  return {
    runtime: "docker",
    supervisor: null,
    parts,
    natsUrl: parts.some(({ name, status }) => name === "nats" && status === "healthy")
      ? `nats://127.0.0.1:${record.natsPort}`
      : undefined,
    containers: await dockerAgents(engine, record),
  };
}

async function partStatus(part: SystemPart, look: SystemLook): Promise<PartStatus> {
  const view = look.processes.find(({ spec }) => spec.name === part.name);
  const health = view?.identity && await part.health(view.spec);
  return {
    name: part.name,
    status: health ? "healthy" : statusOf(view),
    port: view?.spec.port ?? null,
    pid: view?.identity?.pid ?? null,
    container: null,
    since: view?.identity ? view.startedAt : null,
    version: health?.version ?? null,
    restarts: view?.restarts ?? 0,
  };
}

function statusOf(view: ProcessView | undefined): PartStatus["status"] {
  if (view === undefined || view.status === "exited") return "down";
  return view.status === "waiting" ? "restarting" : "unhealthy";
}

function supervisorStatus({ supervisor }: SystemLook): PartStatus {
  const record = supervisor?.record;
  return {
    name: "supervisor",
    status: record === undefined ? "down" : "healthy",
    port: null,
    pid: record?.identity.pid ?? null,
    container: null,
    since: record?.startedAt ?? null,
    version: record?.version ?? null,
    restarts: 0,
  };
}

/** What only NATS knows; undefined if it cannot be asked. */
async function askInside(
  url: string | undefined,
  console: Console,
): Promise<{ streams: StreamNumbers; agents: readonly DirectoryAgent[] } | undefined> {
  if (url === undefined) return undefined;
  try {
    await using connection = await connect({ url, name: "ourocodus status", timeoutMs: 2_000 });
    const [streams, { agents }] = await Promise.all([
      streamNumbers(connection),
      askRelays(connection, {}, { signal: console.signal }),
    ]);
    return { streams, agents };
  } catch (error) {
    if (console.signal.aborted) throw error;
    await console.err.write(`NATS cannot be asked: ${messageOf(error)}\n`);
    return undefined;
  }
}

function statusText(status: Status, colors: Paint): string {
  const { supervisor, parts, streams, agents, home } = status;
  const lines = partTable(supervisor === null ? parts : [supervisor, ...parts], colors);
  if (supervisor?.status !== "healthy" && parts.every((part) => part.status === "down")) {
    return `Nothing runs in ${home}. "ourocodus start" starts it.\n`;
  }
  if (supervisor?.status === "down") {
    lines.push(
      "",
      'The supervisor is gone, so nothing is restarted. "ourocodus start" takes over.',
    );
  }
  if (streams !== null) {
    const { work, log } = streams;
    const inHand = Math.min(work.messages, agents.reduce((sum, agent) => sum + agent.in_hand, 0));
    const waiting = work.messages - inHand;
    lines.push(
      "",
      `work      ${count(waiting)} waiting, ${count(inHand)} in hand (${bytesText(work.bytes)})`,
      `results   ${count(log.results)} stored (the log: ${bytesText(log.bytes)})`,
    );
  }
  if (agents.length === 0) lines.push("agents    none");
  else lines.push("", ...agentTable(agents, colors, Date.now()));
  return `${lines.join("\n")}\n`;
}

function partTable(parts: readonly PartStatus[], colors: Paint): string[] {
  const docker = parts.some((part) => part.container !== null);
  const heading = [
    "PART",
    "STATUS",
    "PORT",
    docker ? "CONTAINER" : "PID",
    "UPTIME",
    "VERSION",
    "RESTARTS",
  ];
  const color = { healthy: colors.green, down: colors.red };
  return table([
    heading.map((text): Cell => ({ text, color: colors.bold })),
    ...parts.map((part): Cell[] => [
      part.name,
      {
        text: part.status,
        color: part.status === "healthy" || part.status === "down"
          ? color[part.status]
          : colors.yellow,
      },
      String(part.port ?? "-"),
      String(part.container ?? part.pid ?? "-"),
      part.since === null ? "-" : span(Date.now() - Date.parse(part.since)),
      part.version ?? "-",
      String(part.restarts),
    ]),
  ]);
}
