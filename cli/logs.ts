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
    const containers = await findContainerLogs(home, flags.name, options, console);
    if (containers.length > 0) {
      // Agents that run as processes beside a system in Docker are asked for by name.
      await showContainerLogs(containers, { count, follow: flags.follow === true }, console);
      return EXIT.ok;
    }
    if (found.length === 0) throw await unknown(home, flags.name);
    const screen = new LogScreen(console, { prefixed: flags.name === undefined });
    await showLastLines(found, count, screen);
    if (flags.follow) await followLogs(find, screen, { signal: console.signal });
    return EXIT.ok;
  });
}

/** Containers of a system in Docker, by the names that are asked for. */
async function findContainerLogs(
  home: Home,
  name: string | undefined,
  { agentsOnly = false }: LogsOptions,
  console: Console,
): Promise<ContainerLog[]> {
  const record = await readDockerRecord(home);
  if (record === undefined) return [];
  const engine = await connectDocker(console.env);
  const agents = (await dockerAgents(engine, record)).map((agent) => ({
    name: agent.name ?? agent.id,
    agent: agent.id,
    container: agent.container ?? "",
  }));
  const parts = agentsOnly ? [] : await systemContainers(engine, record);
  return [...parts.map(({ name, id }) => ({ name, agent: "", container: id })), ...agents]
    .filter((log) => name === undefined || log.name === name || log.agent === name)
    .map(({ name, container }) => ({ name, container, engine }));
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

async function unknown(home: Home, name: string | undefined): Promise<SystemError> {
  const all = await findLogs(home, undefined, {});
  if (all.length === 0) {
    const log = logPath(home, "…", "part");
    return new SystemError(`There are no logs yet: nothing was started in ${home.folder} (${log})`);
  }
  const names = all.map((log) => log.name).join(", ");
  return new SystemError(`There is no log of ${name ?? "an agent"}. There are: ${names}`);
}
