/**
 * `agent restart`: stops agents, starts them again, and waits until each is connected.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Connection } from "@ourocodus/bus";
import { askRelays } from "@ourocodus/ops";
import { awaitConnected, type ManagedAgent, noneEnded, Runtimes } from "@ourocodus/system";
import { announceStop } from "./agent_stop.ts";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { connectNats } from "./nats.ts";
import { runtimeContext } from "./runtime_context.ts";
import { agentSelector, selectionFlags } from "./select_agents.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { stopOptions } from "./stop.ts";
import { paint } from "./terminal_text.ts";

/** `agent restart`: stops agents and starts them again. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (names, flags) =>
    done(await agentRestart({ ...flags, names }, console))
  );
}

function declare() {
  return selectionFlags(new Command())
    .description(
      "Stops agents that were started here, like agent stop, and starts them again with the same " +
        "flags and the environment of this command. Exited agents are started too.",
    )
    .option(...NATS_FLAG)
    .addHelpText("after", helpEnd(["agent restart writer-1", "agent restart --all --now"], NOTES));
}

const NOTES = `$OUROCODUS_SESSION and $OUROCODUS_ROLE are ignored: only agents that the command line
names are restarted.`;

type Flags = FlagsOf<typeof declare> & { readonly names: readonly string[] };

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
function agentRestart(flags: Flags, console: Console): Promise<ExitCode> {
  const select = agentSelector(flags);
  const options = stopOptions(flags);
  return explainFailure(console, async () => {
    const runtimes = await Runtimes.of(runtimeContext(console));
    const agents = select(await runtimes.list());
    if (agents.length === 0) {
      await console.out.write("No agents to restart\n");
      return EXIT.ok;
    }
    await using connection = await connectNats(console, { url: flags.nats });
    const directory = await askRelays(connection, {}, { signal: console.signal });
    const before = new Map(directory.agents.map((agent) => [agent.agent_id, agent.connected_at]));
    if (!options.now) await announceStop(agents, console);
    const restarted = await runtimes.restart(agents, options);
    const check = () => noneEnded(restarted);
    await untilConnected(connection, agents, { before, check }, console);
    await restarted.ready();
    return EXIT.ok;
  });
}

interface Waiting {
  /** When each had connected before. */
  readonly before: ReadonlyMap<string, string>;
  readonly check: () => Promise<void>;
}

async function untilConnected(
  connection: Connection,
  agents: readonly ManagedAgent[],
  { before, check }: Waiting,
  console: Console,
): Promise<void> {
  const colors = paint(console.out.hasColor);
  const groups = Map.groupBy(agents, ({ session, role }) => `${session} ${role}`);
  for (const group of groups.values()) {
    const [{ session, role } = { session: "", role: "" }] = group;
    await awaitConnected(connection, {
      session,
      role,
      ids: new Map(group.map(({ id }) => [id, before.get(id)])),
      check,
      onConnected: ({ agent_id, relay_id }) => {
        const name = group.find(({ id }) => id === agent_id)?.name ?? agent_id;
        void console.out.write(`${colors.green("✓")} ${name} connected to ${relay_id}\n`);
      },
      signal: console.signal,
    });
  }
}
