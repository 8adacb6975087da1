/**
 * `agent stop`: asks the supervisor to stop agents, and tells as it happens.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  forgetAgents,
  type Home,
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
import { ROLE, SESSION } from "./place_flags.ts";
import { runtimeContext } from "./runtime_context.ts";
import { agentSelector } from "./select_agents.ts";
import { helpEnd } from "./shared_flags.ts";
import { stopOptions } from "./stop.ts";
import { paint } from "./terminal_text.ts";
import { unfinishedText, unfinishedWork, type WorkInHand, workInHand } from "./unfinished_work.ts";

/** `agent stop`: stops agents that were started here. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (names, flags) =>
    done(await agentStop({ ...flags, names }, console))
  );
}

function declare() {
  return new Command()
    .description(
      "Stops agents that were started here. Each finishes what it has in hand, and gets no more. " +
        "ourocodus start does not start it again.",
    )
    .argument("[agents...]", "names or ids")
    .option(SESSION, "all of this session")
    .option(ROLE, "with --session: only those of this role")
    .option("--all", "all that were started here")
    .option("--now", "don't let them finish: what they have in hand is handed out again")
    .option("--timeout <duration>", "how long each may take before it is killed")
    .addHelpText(
      "after",
      helpEnd(
        ["agent stop writer-1", "agent stop --session docs", "agent stop --all --now"],
        NOTES,
      ),
    );
}

const NOTES =
  `An agent that is not done in time (agent start --drain, or --timeout) is ended all the
same; what it has not finished is named, and handed out again.

$OUROCODUS_SESSION and $OUROCODUS_ROLE say nothing here: only what the command line
names is stopped.`;

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
    await using inHand = options.now ? undefined : await InHand.look(agents, console);
    if (!options.now) await announceStop(agents, console);
    const onStopped = (agent: ManagedAgent) => tellStopped(agent, inHand, console);
    await runtimes.stop(agents, { ...options, onStopped });
    return EXIT.ok;
  });
}

/** Agents that are remembered for the next start, and are not there now. */
async function onlyRemembered(
  home: Home,
  managed: readonly ManagedAgent[],
): Promise<ManagedAgent[]> {
  const there = new Set(managed.map(({ name, runtime }) => `${runtime} ${name}`));
  return (await rememberedAgents(home))
    .filter(({ name, runtime }) => !there.has(`${runtime.kind} ${name}`))
    .map(managedRemembered);
}

/** What agents had in hand before they were stopped, as long as NATS can be asked. */
class InHand implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #work: WorkInHand;

  private constructor(connection: Connection, work: WorkInHand) {
    this.#connection = connection;
    this.#work = work;
  }

  /** Agents are stopped without NATS too: then nobody can tell. */
  static async look(
    agents: readonly ManagedAgent[],
    console: Console,
  ): Promise<InHand | undefined> {
    let connection: Connection | undefined;
    try {
      connection = await connectNats(console, { url: undefined });
      return new InHand(connection, await workInHand(connection, agents, console.signal));
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
  inHand: InHand | undefined,
  console: Console,
): Promise<void> {
  const { green, yellow } = paint(console.out.hasColor);
  const left = await inHand?.unfinished(agent) ?? [];
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
  await console.out.write(`Stopping ${names}, after what is in hand (--now does not wait)\n`);
}
