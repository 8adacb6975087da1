/**
 * `deno task chaos`: breaks things by a seed, under load, and checks the books. See `--help`.
 *
 * @module
 */
import { ensureNatsServer, SetupError } from "../../setup/mod.ts";
import { rewriteFaults } from "../faults/support/table.ts";
import { type ChaosFlags, FlagError, HELP, parseFlags } from "./flags.ts";
import { type ChaosOutcome, formatBalance, runChaos } from "./run.ts";
import { formatStep, makeSchedule } from "./schedule.ts";
import { chaosRow, withChaosRow } from "./summary.ts";
import { targets } from "./system.ts";

async function main(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args);
  if (flags.help) {
    console.log(HELP);
    return 0;
  }
  const { seed, seeds, minutes, relays, servers } = flags;
  const durationMs = minutes * 60_000;
  const say = (line: string) => console.log(line);
  const places = targets(relays, servers);
  if (flags.plan) {
    say(`Seed ${seed}. The same again: ${again(flags, seed)}`);
    for (const step of makeSchedule(seed, durationMs, places)) say(formatStep(step));
    return 0;
  }
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => ending.abort());
  }
  const { signal } = ending;
  const { path, version } = await ensureNatsServer({ env: Deno.env.toObject(), say, signal });
  Deno.env.set("NATS_SERVER", path);
  const on = servers === 1 ? "nats-server" : `${servers} nats-servers`;
  say(`On ${on} ${version}, with ${relays} relays and ${places.agents} agents`);
  const outcomes = new Map<number, ChaosOutcome>();
  for (let next = seed; next < seed + seeds && !signal.aborted; next++) {
    say(`\nSeed ${next}. The same again: ${again(flags, next)}`);
    const outcome = await runChaos({ seed: next, durationMs, relays, servers, say, signal });
    outcomes.set(next, outcome);
    const { steps, balance, balanced } = outcome;
    say(`\n${steps.length} faults in ${minutes} min, seed ${next}. Of all work:`);
    say(formatBalance(balance));
    say(
      balanced
        ? "The books are balanced"
        : `The books are NOT balanced. The same again: ${again(flags, next)}`,
    );
  }
  if (flags.table && !signal.aborted) {
    const row = chaosRow({ servers, nats: version, durationMs, outcomes });
    await rewriteFaults((before) => withChaosRow(before, row));
  }
  const wrong = [...outcomes].filter(([, { balanced }]) => !balanced).map(([seed]) => seed);
  if (seeds > 1) {
    say(
      `\n${outcomes.size} seeds, ${wrong.length} of them not balanced ${wrong.join(", ")}`
        .trimEnd(),
    );
  }
  return wrong.length === 0 ? 0 : 1;
}

/** The command that runs one seed again. */
function again({ minutes, relays, servers }: ChaosFlags, seed: number): string {
  return `deno task chaos --minutes ${minutes} --seed ${seed}` +
    (relays === 3 ? "" : ` --relays ${relays}`) + (servers === 1 ? "" : ` --servers ${servers}`);
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  const expected = error instanceof FlagError || error instanceof SetupError;
  console.error(expected ? `error: ${error.message}` : error);
  Deno.exit(error instanceof FlagError ? 2 : 1);
}
