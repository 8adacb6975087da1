/**
 * `agent stop`: asks the supervisor to stop agents, and tells as it happens.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  forgetAgents,
  type Home,
  isAmong,
  type ManagedAgent,
  managedRemembered,
  rememberedAgents,
  Runtimes,
} from "@ourocodus/system";
import type { Connection } from "@ourocodus/bus";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { connectNats } from "./nats.ts";
import { runtimeContext } from "./runtime_context.ts";
import { agentSelector, selectionFlags } from "./select_agents.ts";
import { helpEnd } from "./shared_flags.ts";
import { stopOptions } from "./stop.ts";
import { paint } from "./terminal_text.ts";
import {
  type RunningWork,
  runningWork,
  unfinishedText,
  unfinishedWork,
} from "./unfinished_work.ts";

/** `agent stop`: stops agents that were started here. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (names, flags) =>
    done(await agentStop({ ...flags, names }, console))
  );
}

function declare() {
  return selectionFlags(new Command())
    .description(
      "Stops agents that were started here. Each finishes its running work, and gets no more. " +
        "ourocodus start does not start it again.",
    )
    .addHelpText(
      "after",
      helpEnd(
        ["agent stop writer-1", "agent stop --session docs", "agent stop --all --now"],
        NOTES,
      ),
    );
}

const NOTES =
  `An agent that is not done in time (agent start --drain, or --timeout) is ended anyway. Its
unfinished work is named, and goes to other agents.

$OUROCODUS_SESSION and $OUROCODUS_ROLE are ignored: only agents that the command line
names are stopped.`;

type Flags = FlagsOf<typeof declare> & { readonly names: readonly string[] };

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
function agentStop(flags: Flags, console: Console): Promise<ExitCode> {
  const select = agentSelector(flags);
  const options = stopOptions(flags);
  return explainFailure(console, async () => {
    const context = runtimeContext(console);
    const { home } = context;
    const runtimes = await Runtimes.of(context);
    const managed = await runtimes.list();
    const selected = select([...managed, ...await onlyRemembered(home, managed)]);
    if (selected.length === 0) {
      await console.out.write("No agents to stop\n");
      return EXIT.ok;
    }
    // First: what is stopped half way is not to come back.
    await forgetAgents(home, selected);
    const agents = selected.filter((agent) => managed.includes(agent));
    for (const { name } of selected.filter((agent) => !managed.includes(agent))) {
      await console.out.write(`${paint(console.out.hasColor).green("✓")} ${name} forgotten\n`);
    }
    if (agents.length === 0) return EXIT.ok;
    await using before = options.now ? undefined : await WorkBefore.look(agents, console);
    if (!options.now) await announceStop(agents, console);
    const onStopped = (agent: ManagedAgent) => tellStopped(agent, before, console);
    await runtimes.stop(agents, { ...options, onStopped });
    return EXIT.ok;
  });
}

/** Agents that are remembered for the next start, and are not there now. */
async function onlyRemembered(
  home: Home,
  managed: readonly ManagedAgent[],
): Promise<ManagedAgent[]> {
  const isThere = isAmong(managed);
  return (await rememberedAgents(home)).filter((agent) => !isThere(agent)).map(managedRemembered);
}

/** The running work of agents before they are stopped; none if NATS cannot be asked. */
class WorkBefore implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #work: RunningWork;

  private constructor(connection: Connection, work: RunningWork) {
    this.#connection = connection;
    this.#work = work;
  }

  /** Agents are stopped without NATS too: then nobody can tell. */
  static async look(
    agents: readonly ManagedAgent[],
    console: Console,
  ): Promise<WorkBefore | undefined> {
    let connection: Connection | undefined;
    try {
      connection = await connectNats(console, { url: undefined });
      return new WorkBefore(connection, await runningWork(connection, agents, console.signal));
    } catch {
      await connection?.close();
      console.signal.throwIfAborted();
      return undefined;
    }
  }

  /** The ids of what an agent that has ended has not finished, as far as can be told. */
  async unfinished(agent: ManagedAgent): Promise<string[]> {
    return await unfinishedWork(this.#connection, agent, this.#work).catch(() => []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

async function tellStopped(
  agent: ManagedAgent,
  before: WorkBefore | undefined,
  console: Console,
): Promise<void> {
  const { green, yellow } = paint(console.out.hasColor);
  const left = await before?.unfinished(agent) ?? [];
  const line = left.length === 0
    ? `${green("✓")} ${agent.name} stopped`
    : `${yellow("!")} ${agent.name} stopped; ${unfinishedText(left)}`;
  await console.out.write(`${line}\n`);
}

/** Says that it may take a while. */
export async function announceStop(
  agents: readonly ManagedAgent[],
  console: Console,
): Promise<void> {
  const running = agents.filter(({ runs }) => runs);
  if (running.length === 0) return;
  const names = running.map(({ name }) => name).join(", ");
  await console.out.write(`Stopping ${names}, after their running work (--now does not wait)\n`);
}
