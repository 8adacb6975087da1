/**
 * `logs`: prints the logs of the system and its agents.
 *
 * @module
 */
import {
  connectDocker,
  dockerAgents,
  findHome,
  type Home,
  logPath,
  lookAtSystem,
  readDockerRecord,
  SUPERVISOR,
  SystemError,
} from "@ourocodus/system";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { countFlag } from "./flag_values.ts";
import { systemContainers } from "./docker_system.ts";
import { explainFailure } from "./explain_failure.ts";
import { listLogs } from "./log_folder.ts";
import { type ContainerLog, showContainerLogs } from "./show_container_logs.ts";
import { followLogs, LogScreen, type NamedLog, showLastLines } from "./show_logs.ts";

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
    const home = findHome(console.env);
    const find = () => findLogs(home, flags.name, options);
    const found = await find();
    const inDocker = await findContainerLogs(home, options, console);
    const containers = inDocker.filter(({ name, agent }) =>
      flags.name === undefined || name === flags.name || agent === flags.name
    );
    if (containers.length > 0) {
      // Agents that run as processes beside a system in Docker are asked for by name.
      await showContainerLogs(containers, { count, follow: flags.follow === true }, console);
      return EXIT.ok;
    }
    if (found.length === 0) {
      const all = [...await findContainerLogs(home, {}, console), ...await listLogs(home)];
      throw unknown(home, flags.name, all);
    }
    const screen = new LogScreen(console, { prefixed: flags.name === undefined });
    await showLastLines(found, count, screen);
    if (flags.follow) await followLogs(find, screen, { signal: console.signal });
    return EXIT.ok;
  });
}

/** Containers of a system in Docker; agents may be called by their ids too. */
async function findContainerLogs(
  home: Home,
  { agentsOnly = false }: LogsOptions,
  console: Console,
): Promise<(ContainerLog & { readonly agent?: string })[]> {
  const record = await readDockerRecord(home);
  if (record === undefined) return [];
  const engine = await connectDocker(console.env);
  const parts = agentsOnly ? [] : await systemContainers(engine, record);
  const agents = await dockerAgents(engine, record);
  return [
    ...parts.map(({ name, id }) => ({ name, container: id, engine })),
    ...agents.map(({ name, id, container }) => ({
      name: name ?? id,
      agent: id,
      container: container ?? "",
      engine,
    })),
  ];
}

/** All logs there are, or one; an agent may be called by its id too. */
async function findLogs(
  home: Home,
  name: string | undefined,
  { agentsOnly = false }: LogsOptions,
): Promise<NamedLog[]> {
  const all = await listLogs(home, { agentsOnly });
  // What the supervisor says of a program stands in that one's log too.
  if (name === undefined) return all.filter((log) => log.name !== SUPERVISOR);
  const { processes } = await lookAtSystem(home);
  const agent = processes.find(({ spec }) => spec.agent?.id === name)?.spec.name;
  return all.filter((log) => log.name === name || log.name === agent);
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
