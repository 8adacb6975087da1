/**
 * `stop`: asks the supervisor to end, and tells what has been stopped as it happens.
 *
 * @module
 */
import { pause } from "@ourocodus/protocol";
import {
  type ControlClient,
  type DockerRecord,
  findHome,
  findSupervisor,
  type Home,
  lookAtSystem,
  type ProcessView,
  readDockerRecord,
  sendSignal,
  type StopOptions,
  Supervisor,
  SystemError,
  untilGone,
} from "@ourocodus/system";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { timeoutFlag } from "./flag_values.ts";
import { explainFailure } from "./explain_failure.ts";
import { paint } from "./terminal_text.ts";

/** Flags of `stop`. */
export interface StopFlags {
  readonly now?: true;
  readonly timeout?: string;
  readonly docker?: true;
  readonly volumes?: true;
}

const LOOK_MS = 50;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
export function stop(flags: StopFlags, console: Console): Promise<ExitCode> {
  const options = stopOptions(flags);
  return explainFailure(console, async () => {
    const home = findHome(console.env);
    const docker = await dockerRecord(home, flags);
    if (flags.volumes && docker === undefined) {
      throw new SystemError("--volumes: no system was started in Docker here; nothing was stopped");
    }
    const code = await stopProcesses(home, options, docker !== undefined, console);
    if (docker !== undefined) {
      const { stopDocker } = await import("./stop_docker.ts");
      await stopDocker(home, docker, { ...options, volumes: flags.volumes === true }, console);
    }
    return code;
  });
}

/** The system in Docker, if one was started here. @throws {SystemError} If it has to be there. */
async function dockerRecord(home: Home, flags: StopFlags): Promise<DockerRecord | undefined> {
  const record = await readDockerRecord(home);
  if (record === undefined && flags.docker) {
    throw new SystemError(`No system was started in Docker from ${home.folder}`);
  }
  return record;
}

/** Stops what runs as processes. @param quiet Whether nothing is said if nothing does. */
async function stopProcesses(
  home: Home,
  options: StopOptions,
  quiet: boolean,
  console: Console,
): Promise<ExitCode> {
  const running = (await reachable(home, console)).filter(({ status }) => status !== "exited");
  const client = await supervisor(home, running, console);
  if (client === undefined) {
    if (!quiet) await console.out.write(`Nothing runs in ${home.folder}\n`);
    return EXIT.ok;
  }
  await announce(running, options, console);
  await client.ask({ type: "end", options });
  await untilStopped(client, running, console);
  // What remains is the supervisor's own end.
  await untilGoneUnlessOurs(client);
  await console.out.write(running.length === 0 ? "The supervisor has ended\n" : "");
  return EXIT.ok;
}

/** `--now` and `--timeout` of commands that stop something. @throws {UsageError} */
export function stopOptions(flags: StopFlags): StopOptions {
  return {
    ...(flags.now && { now: true }),
    ...(flags.timeout !== undefined && { timeoutMs: timeoutFlag("--timeout", flags.timeout) }),
  };
}

/**
 * Tells of each process when it is not kept any more.
 *
 * @param console Where to tell it; `onStopped` tells it in another way.
 * @returns When that is so of all.
 */
export async function untilStopped(
  client: ControlClient,
  views: readonly ProcessView[],
  console: Console,
  onStopped: (name: string) => Promise<void> = (name) => sayStopped(name, console),
): Promise<void> {
  let left = [...views].sort((one, other) => other.spec.rank - one.spec.rank);
  while (left.length > 0) {
    console.signal.throwIfAborted();
    const kept = await client.list();
    const names = new Set(kept?.map(({ spec }) => spec.name));
    for (const { spec } of left.filter(({ spec }) => !names.has(spec.name))) {
      await onStopped(spec.name);
    }
    left = left.filter(({ spec }) => names.has(spec.name));
    if (left.length > 0) await pause(LOOK_MS, console.signal);
  }
}

async function sayStopped(name: string, console: Console): Promise<void> {
  await console.out.write(`${paint(console.out.hasColor).green("✓")} ${name} stopped\n`);
}

async function announce(
  views: readonly ProcessView[],
  { now, timeoutMs }: StopOptions,
  console: Console,
): Promise<void> {
  const agents = views.filter(({ spec }) => spec.kind === "agent");
  if (agents.length === 0 || now) return;
  const longest = timeoutMs ?? Math.max(...agents.map(({ spec }) => spec.stopMs));
  await console.out.write(
    `Stopping ${agents.length} agent${agents.length === 1 ? "" : "s"} first: ` +
      `${
        agents.length === 1 ? "it finishes what it has" : "they finish what they have"
      } in hand, ` +
      `within ${longest / 1_000} s (--now does not wait)\n`,
  );
}

/** What runs. A supervisor that does not answer is killed; what it kept is stopped without it. */
async function reachable(home: Home, console: Console): Promise<readonly ProcessView[]> {
  try {
    return (await lookAtSystem(home)).processes;
  } catch {
    const client = await findSupervisor(home);
    if (client !== undefined) {
      const { identity } = client.record;
      await console.err.write(
        `The supervisor, pid ${identity.pid}, does not answer: killing it\n`,
      );
      await sendSignal(identity, "SIGKILL");
      await untilGone(identity);
    }
    return (await lookAtSystem(home)).processes;
  }
}

/** The supervisor; one of our own for what another has left behind. */
async function supervisor(
  home: Home,
  running: readonly ProcessView[],
  console: Console,
): Promise<ControlClient | undefined> {
  const found = await findSupervisor(home);
  if (found !== undefined) return found;
  if (running.length === 0) return undefined;
  await console.out.write("The supervisor is gone; stopping what it has left running\n");
  await Supervisor.begin(home, { environment: {} });
  return await findSupervisor(home);
}

async function untilGoneUnlessOurs({ record: { identity } }: ControlClient): Promise<void> {
  if (identity.pid !== Deno.pid) await untilGone(identity);
}
