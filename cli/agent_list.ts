/**
 * `agent list`: once, or again and again.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Connection } from "@ourocodus/bus";
import { askRelays } from "@ourocodus/ops";
import { pause } from "@ourocodus/protocol";
import { type AgentRow, agentRows, Runtimes } from "@ourocodus/system";
import { agentTable } from "./agent_table.ts";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { nameFlag } from "./flag_values.ts";
import { connectNats } from "./nats.ts";
import { sessionFlag } from "./place_flags.ts";
import { runtimeContext } from "./runtime_context.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, paint } from "./terminal_text.ts";

/** `agent list`: says which agents there are. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await agentList(flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Lists agents: those started here, and those from elsewhere that are connected to relays.",
    )
    .addOption(sessionFlag("only this session's"))
    .option("--watch", "refresh the list until Ctrl-C")
    .option("--json", "print the list as a line of JSON")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["agent list", "agent list -s docs --watch", "agent list --json | jq"], NOTES),
    );
}

const NOTES =
  `Status: starting (not connected yet), connected, disconnected (it has lost its relay),
unknown (it runs, and no relay says whether it is connected) and exited(CODE), or the signal. A connected agent may take no work for now: "failing
for 8s" is a suspension, as its attempts ended at once, "limited for 5m" a limit of its
provider; --json has the reason in words. RUNNING is how many work items the agent runs, of its maximum.

With --json an agent is {"name", "id", "session", "role", "runtime", "status", "exit",
"concurrency", "in_hand", "paused", "pid", "container", "restarts", "since"}, "paused" is null or
{"reason", "message", "until"}. The runtime is process, docker
or external; the name of an external agent is null.`;

type Flags = FlagsOf<typeof declare>;

const WATCH_MS = 1_000;
const CLEAR = "\x1b[H\x1b[2J\x1b[3J";

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
function agentList(flags: Flags, console: Console): Promise<ExitCode> {
  const session = flags.session === undefined ? undefined : nameFlag("--session", flags.session);
  return explainFailure(console, async () => {
    const runtimes = await Runtimes.of(runtimeContext(console));
    await using connection = await natsIfThere(runtimes, flags, console);
    let printed: string | undefined;
    do {
      const rows = await look(runtimes, connection, session, console);
      const text = flags.json ? `${JSON.stringify(rows)}\n` : listText(rows, console);
      // On a terminal in place; elsewhere what has changed.
      const clears = flags.watch && !flags.json && console.out.isTerminal;
      if (clears) await console.out.write(CLEAR + text);
      else if (text !== printed) await console.out.write(text);
      printed = text;
      if (flags.watch) await pause(WATCH_MS, console.signal);
    } while (flags.watch && !console.signal.aborted);
    return connection === undefined ? EXIT.failed : EXIT.ok;
  });
}

async function look(
  runtimes: Runtimes,
  connection: Connection | undefined,
  session: string | undefined,
  console: Console,
): Promise<AgentRow[]> {
  const directory = connection &&
    await askRelays(connection, { session }, { signal: console.signal });
  const managed = await runtimes.list();
  return agentRows(
    managed.filter((agent) => session === undefined || agent.session === session),
    directory,
  );
}

/** Without NATS, agents that were started here are listed anyway. */
async function natsIfThere(
  runtimes: Runtimes,
  flags: Flags,
  console: Console,
): Promise<Connection | undefined> {
  try {
    return await connectNats(console, { url: flags.nats });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ConnectError") throw error;
    if ((await runtimes.list()).length === 0) throw error;
    await console.err.write(`who is connected is not known: ${harmless(error.message)}\n`);
    return undefined;
  }
}

function listText(rows: readonly AgentRow[], console: Console): string {
  if (rows.length === 0) return "No agents\n";
  return `${agentTable(rows, paint(console.out.hasColor), Date.now()).join("\n")}\n`;
}
