/**
 * `deno task chaos`: breaks things by a seed, under load, and checks the books. See `--help`.
 *
 * @module
 */
import { ensureNatsServer, SetupError } from "../../setup/mod.ts";
import { FlagError, HELP, parseFlags } from "./flags.ts";
import { formatBalance, runChaos } from "./run.ts";
import { formatStep, makeSchedule } from "./schedule.ts";
import { targets } from "./system.ts";

async function main(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args);
  if (flags.help) {
    console.log(HELP);
    return 0;
  }
  const { seed, minutes, relays } = flags;
  const durationMs = minutes * 60_000;
  const say = (line: string) => console.log(line);
  const again = `deno task chaos --minutes ${minutes} --seed ${seed}` +
    (relays === 3 ? "" : ` --relays ${relays}`);
  say(`Seed ${seed}. The same again: ${again}`);
  if (flags.plan) {
    for (const step of makeSchedule(seed, durationMs, targets(relays))) say(formatStep(step));
    return 0;
  }
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => ending.abort());
  }
  const { signal } = ending;
  const { path, version } = await ensureNatsServer({ env: Deno.env.toObject(), say, signal });
  Deno.env.set("NATS_SERVER", path);
  say(`On nats-server ${version}, with ${relays} relays and ${targets(relays).agents} agents`);
  const { steps, balance, balanced } = await runChaos({ seed, durationMs, relays, say, signal });
  say(`\n${steps.length} faults in ${minutes} min, seed ${seed}. Of all work:`);
  say(formatBalance(balance));
  say(balanced ? "The books are balanced" : `The books are NOT balanced. The same again: ${again}`);
  return balanced ? 0 : 1;
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  const expected = error instanceof FlagError || error instanceof SetupError;
  console.error(expected ? `error: ${error.message}` : error);
  Deno.exit(error instanceof FlagError ? 2 : 1);
}
