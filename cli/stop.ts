/**
 * `stop`: asks the supervisor to end, and tells what has been stopped as it happens.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  type ControlClient,
  type DockerRuntime,
  findSupervisor,
  type Home,
  lookAtSystem,
  type ProcessView,
  removeDockerRecord,
  Runtimes,
  sendSignal,
  type StopOptions,
  Supervisor,
  SystemError,
  untilGone,
  untilStopped,
} from "@ourocodus/system";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { timeoutFlag } from "./flag_values.ts";
import { runtimeContext } from "./runtime_context.ts";
import { helpEnd } from "./shared_flags.ts";
import { paint } from "./terminal_text.ts";

/** `stop`: stops what `start` and `agent start` have started. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await stop(flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Stops everything that start and agent start have started here: agents first, which finish " +
        "their running work, then the API, the relay, and nats-server. Waiting work and results stay " +
        "in the store. The next start also starts the agents again.",
    )
    .option("--now", "don't let agents finish: their work is handed out again")
    .option("--timeout <duration>", "kill an agent or a part that takes longer than this to end")
    .option("--docker", "the system in Docker (default if it was started with --docker)")
    .option("--volumes", "in Docker: remove its volumes, with all waiting work and results")
    .addHelpText("after", helpEnd(["stop", "stop --now", "stop --timeout 2m", "stop --volumes"]));
}

type Flags = FlagsOf<typeof declare>;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
function stop(flags: Flags, console: Console): Promise<ExitCode> {
  const options = stopOptions(flags);
  return explainFailure(console, async () => {
    const context = runtimeContext(console);
    const { home } = context;
    const { docker } = await Runtimes.of(context);
    if (flags.docker && docker === undefined) {
      throw new SystemError(`No system was started in Docker from ${home.folder}`);
    }
    if (flags.volumes && docker === undefined) {
      throw new SystemError("--volumes: no system was started in Docker here; nothing was stopped");
    }
    const code = await stopProcesses(home, options, docker !== undefined, console);
    if (docker !== undefined) {
      await stopDocker(docker, { ...options, volumes: flags.volumes === true }, console);
      await removeDockerRecord(home);
    }
    return code;
  });
}

/** Stops agents' containers first, then what compose.yaml describes. */
async function stopDocker(
  docker: DockerRuntime,
  { volumes, ...options }: StopOptions & { readonly volumes: boolean },
  console: Console,
): Promise<void> {
  const agents = await docker.list();
  if (agents.length > 0 && !options.now) {
    await console.out.write(
      `Stopping ${agents.length} agent${agents.length === 1 ? "" : "s"} first, ` +
        `after their running work (--now does not wait)\n`,
    );
  }
  await docker.stop(agents, {
    ...options,
    onStopped: ({ name }) => sayStopped(name ?? "", console),
  });
  await docker.down({ now: options.now === true, volumes });
  const what = `project ${docker.record.project} stopped${volumes ? ", its volumes removed" : ""}`;
  await console.out.write(`${paint(console.out.hasColor).green("✓")} ${what}\n`);
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
  await untilStopped(client, running, {
    signal: console.signal,
    onStopped: (name) => sayStopped(name, console),
  });
  // What remains is the supervisor's own end.
  await untilGoneUnlessOurs(client);
  await console.out.write(running.length === 0 ? "The supervisor has ended\n" : "");
  return EXIT.ok;
}

/** `--now` and `--timeout` of commands that stop something. @throws {UsageError} */
export function stopOptions(flags: Pick<Flags, "now" | "timeout">): StopOptions {
  return {
    ...(flags.now && { now: true }),
    ...(flags.timeout !== undefined && { timeoutMs: timeoutFlag("--timeout", flags.timeout) }),
  };
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
      `${agents.length === 1 ? "it finishes its" : "they finish their"} running work, ` +
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
