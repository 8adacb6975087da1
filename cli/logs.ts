/**
 * `logs`: prints the logs of the system and its agents.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  type Home,
  logPath,
  type RuntimeLog,
  Runtimes,
  SUPERVISOR,
  SystemError,
} from "@ourocodus/system";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { countFlag } from "./flag_values.ts";
import { runtimeContext } from "./runtime_context.ts";
import { helpEnd } from "./shared_flags.ts";
import { followLogs, LogScreen, showLastLines } from "./show_logs.ts";

/** `logs`: prints the logs of the system. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (name, flags) => done(await logs({ ...flags, name }, console)));
}

function declare() {
  return new Command()
    .description(
      "Prints the last lines of the logs: of all parts and agents, or of one.",
    )
    .argument("[name]", "nats-server, relay, api, supervisor, or an agent (default: all)")
    .option("-f, --follow", "print further lines until Ctrl-C")
    .option("-n, --last <count>", "how many lines to begin with", "50")
    .addHelpText("after", helpEnd(["logs", "logs relay -n 200", "logs --follow"], NOTES));
}

const NOTES =
  `The files are in logs/ of the home (see start --help). A file over 10 MB is renamed to
….log.1, in place of the older one.`;

type Flags = FlagsOf<typeof declare> & { readonly name?: string };

/** Which logs: those of agents alone, or all. */
export interface LogsOptions {
  readonly agentsOnly?: boolean;
}

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
export function logs(
  flags: Flags,
  console: Console,
  options: LogsOptions = {},
): Promise<ExitCode> {
  const count = countFlag("--last", flags.last);
  return explainFailure(console, async () => {
    const context = runtimeContext(console);
    const runtimes = await Runtimes.of(context);
    const find = async () => chosen(await runtimes.logs(options), flags.name);
    const found = await find();
    if (found.length === 0) throw unknown(context.home, flags.name, await runtimes.logs());
    const screen = new LogScreen(console, { prefixed: flags.name === undefined });
    await showLastLines(found, count, screen);
    if (flags.follow) await followLogs(find, screen, { signal: console.signal });
    return EXIT.ok;
  });
}

/** Those that are meant; an agent may be called by its id too. */
function chosen(logs: readonly RuntimeLog[], name: string | undefined): readonly RuntimeLog[] {
  const meant = name === undefined
    // What the supervisor says of a program stands in that one's log too.
    ? logs.filter((log) => log.name !== SUPERVISOR)
    : logs.filter((log) => log.name === name || log.agentId === name);
  // Agents that run as processes next to a system in Docker are asked for by name.
  const containers = meant.filter(({ kind }) => kind === "docker");
  return containers.length > 0 ? containers : meant;
}

function unknown(
  home: Home,
  name: string | undefined,
  all: readonly { readonly name: string }[],
): SystemError {
  if (all.length === 0) {
    const log = logPath(home, "…", "part");
    return new SystemError(`There are no logs yet: nothing was started in ${home.folder} (${log})`);
  }
  const names = all.map((log) => log.name).join(", ");
  return new SystemError(`There is no log of ${name ?? "an agent"}. There are: ${names}`);
}
