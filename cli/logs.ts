/**
 * `logs`: prints the logs of the system and its agents.
 *
 * @module
 */
import {
  type Home,
  logPath,
  type RuntimeLog,
  Runtimes,
  SUPERVISOR,
  SystemError,
} from "@ourocodus/system";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { countFlag } from "./flag_values.ts";
import { runtimeContext } from "./runtime_context.ts";
import { followLogs, LogScreen, showLastLines } from "./show_logs.ts";

/** The command line of `logs`. */
export interface LogsFlags {
  readonly name?: string;
  readonly follow?: true;
  readonly last: string;
}

/** Which logs: those of agents alone, or all. */
export interface LogsOptions {
  readonly agentsOnly?: boolean;
}

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
export function logs(
  flags: LogsFlags,
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
  // Agents that run as processes beside a system in Docker are asked for by name.
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
