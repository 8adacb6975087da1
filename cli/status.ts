/**
 * `status`: looks at the parts, the streams and the agents.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { connect } from "@ourocodus/bus";
import { askRelays, type RelayDirectory, type StreamNumbers, streamNumbers } from "@ourocodus/ops";
import { messageOf } from "@ourocodus/protocol";
import {
  type AgentRow,
  agentRows,
  type Home,
  type PartStatus,
  Runtimes,
  type RuntimeStatus,
  SystemError,
  unlessAborted,
} from "@ourocodus/system";
import { agentTable } from "./agent_table.ts";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { runtimeContext } from "./runtime_context.ts";
import { helpEnd } from "./shared_flags.ts";
import { adviceLines } from "./status_advice.ts";
import { type Cell, headRow, table } from "./table.ts";
import { bytesText, count, type Paint, paint, span } from "./terminal_text.ts";

/** `status`: says how the system is. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await status(flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Tells how each part of the system is, how much is in the streams, and which agents there are. " +
        "The exit code is 1 if a part is not healthy, or nothing is running.",
    )
    .option("--docker", "the system in Docker (default if it was started with --docker)")
    .option("--json", "print JSON")
    .addHelpText("after", helpEnd(["status", "status --json | jq .streams"], NOTES));
}

const NOTES = `With --json the command prints {"healthy", "home", "runtime", "supervisor", "parts",
"streams", "relays", "problems", "agents"}. A part is {"name", "status", "port", "pid", "container",
"since", "version", "restarts"}; its status is healthy, unhealthy (running, but not answering),
starting (started seconds ago, not healthy yet), restarting or down.

"supervisor" is null in Docker, "streams" if NATS does not answer, "relays" is how many relays have
answered, or null. "problems" is a list of failures that relays report. "agents" is like agent list
--json; if no relay answers, it is not known whether an agent is connected.`;

type Flags = FlagsOf<typeof declare>;

interface Status extends Omit<RuntimeStatus, "natsUrl"> {
  readonly healthy: boolean;
  readonly home: string;
  readonly streams: StreamNumbers | null;
  /** How many relays answered; null if NATS cannot be asked. */
  readonly relays: number | null;
  /** What relays say that is wrong. */
  readonly problems: readonly string[];
  readonly agents: readonly AgentRow[];
}

/** How long NATS and the relays may take to answer, in milliseconds. */
const INSIDE_MS = 3_000;

/** Runs the command. */
function status(flags: Flags, console: Console): Promise<ExitCode> {
  return explainFailure(console, async () => {
    const context = runtimeContext(console);
    const { home } = context;
    const runtimes = await Runtimes.of(context);
    if (runtimes.docker === undefined && flags.docker) {
      throw new SystemError(`No system was started in Docker from ${home.folder}`);
    }
    const status = await unlessAborted(lookAround(home, runtimes, console), console.signal);
    if (flags.json) await console.out.write(`${JSON.stringify(status)}\n`);
    else await console.out.write(statusText(status, home, paint(console.out.hasColor)));
    return status.healthy ? EXIT.ok : EXIT.failed;
  });
}

async function lookAround(home: Home, runtimes: Runtimes, console: Console): Promise<Status> {
  const { natsUrl, ...status } = await runtimes.status();
  const inside = natsUrl === undefined ? undefined : await askInside(natsUrl, console);
  const { supervisor, parts } = status;
  const kept = supervisor === null ? parts : [supervisor, ...parts];
  return {
    healthy: parts.length > 0 && kept.every((part) => part.status === "healthy"),
    home: home.folder,
    ...status,
    streams: inside?.streams ?? null,
    relays: inside?.directory.relays.length ?? null,
    problems: inside?.directory.relays.flatMap(({ reason }) => reason ?? []) ?? [],
    agents: agentRows(await runtimes.list(), inside?.directory),
  };
}

/** What only NATS knows. */
interface Inside {
  readonly streams: StreamNumbers;
  readonly directory: RelayDirectory;
}

/** Asks NATS. @returns Undefined, and says so, if it cannot be asked. */
async function askInside(url: string, console: Console): Promise<Inside | undefined> {
  const limit = AbortSignal.timeout(INSIDE_MS);
  try {
    return await unlessAborted(ask(url, console.signal), limit);
  } catch (error) {
    if (console.signal.aborted) throw error;
    const why = limit.aborted ? `no answer within ${INSIDE_MS} ms` : messageOf(error);
    await console.err.write(`NATS cannot be asked: ${why}\n`);
    return undefined;
  }
}

async function ask(url: string, signal: AbortSignal): Promise<Inside> {
  await using connection = await connect({ url, name: "ourocodus status", timeoutMs: 2_000 });
  const [streams, directory] = await Promise.all([
    streamNumbers(connection),
    askRelays(connection, {}, { signal }),
  ]);
  return { streams, directory };
}

/** What is not known, as it could not be asked; undefined if everything is. */
function unknownText({ streams, relays }: Status): string | undefined {
  if (streams === null) {
    return "NATS cannot be asked: what waits is not known, nor which agents are connected.";
  }
  return relays === 0 ? "No relay answers: which agents are connected is not known." : undefined;
}

function statusText(status: Status, home: Home, colors: Paint): string {
  const { supervisor, parts, streams, problems, agents } = status;
  const lines = partTable(supervisor === null ? parts : [supervisor, ...parts], colors);
  if (supervisor?.status !== "healthy" && parts.every((part) => part.status === "down")) {
    return `Nothing runs in ${home.folder}. "ourocodus start" starts it.\n`;
  }
  if (supervisor?.status === "down") {
    lines.push(
      "",
      'The supervisor is gone, so nothing is restarted. "ourocodus start" takes over.',
    );
  }
  lines.push(...adviceLines(parts, {
    ...{ home, kept: supervisor?.status === "healthy", answers: streams !== null, problems },
  }));
  if (streams !== null) {
    const { work, log } = streams;
    const running = Math.min(work.messages, agents.reduce((sum, agent) => sum + agent.in_hand, 0));
    const waiting = work.messages - running;
    lines.push(
      "",
      `work      ${count(waiting)} waiting, ${count(running)} running (${bytesText(work.bytes)})`,
      `results   ${count(log.results)} stored (the log: ${bytesText(log.bytes)})`,
    );
  }
  const unknown = unknownText(status);
  if (unknown !== undefined) lines.push("", unknown);
  if (agents.length === 0 && unknown === undefined) lines.push("agents    none");
  if (agents.length > 0) lines.push("", ...agentTable(agents, colors, Date.now()));
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
    headRow(heading, colors.bold),
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
