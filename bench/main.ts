/**
 * `deno task bench`: measures. See `--help`.
 *
 * Exit codes: 0 measured, 1 work was lost or came twice, or an agent could not connect, 2 the
 * command line is wrong.
 *
 * @module
 */
import { join } from "node:path";
import { ensureNatsServer, SetupError } from "../setup/mod.ts";
import { type Flags, HELP, parseFlags } from "./flags.ts";
import { type Machine, machineLine, thisMachine } from "./machine.ts";
import type { Run } from "./measure.ts";
import { picturesOf } from "./pictures.ts";
import { measureScenario, type ScenarioResult } from "./results.ts";
import { LEGEND, markdownTable, textTable } from "./table.ts";

async function main(flags: Flags): Promise<number> {
  const note = (text: string) => flags.json ? undefined : console.log(text);
  const binary = await ensureNatsServer({ env: Deno.env.toObject(), say: console.error });
  Deno.env.set("NATS_SERVER", binary.path);
  const machine = thisMachine(binary.version);
  note(`${machineLine(machine)}\n${LEGEND}\n`);
  const scenarios: ScenarioResult[] = [];
  for (const scenario of flags.scenarios) {
    const result = await measureScenario(scenario, flags, showProgress);
    hideProgress();
    note(textTable(result));
    scenarios.push(result);
    // Each time, so that what was measured is not lost if a later scenario fails.
    if (flags.report !== undefined) await writeReport(flags.report, machine, scenarios);
  }
  if (flags.json) console.log(JSON.stringify({ machine, scenarios }, null, 2));
  return scenarios.every(isWhole) ? 0 : 1;
}

/** Whether nothing happened that must not. */
function isWhole({ runs }: ScenarioResult): boolean {
  return runs.every(({ figures: { lost = 0, twice = 0, connect_failures: failed = 0 } }) =>
    lost + twice + failed === 0
  );
}

async function writeReport(
  folder: string,
  machine: Machine,
  scenarios: readonly ScenarioResult[],
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const tables = scenarios.map(markdownTable).join("\n");
  await Deno.writeTextFile(join(folder, "tables.md"), `${machineLine(machine)}\n\n${tables}`);
  await Deno.writeTextFile(
    join(folder, "results.json"),
    `${JSON.stringify({ machine, scenarios }, null, 2)}\n`,
  );
  for (const { file, svg } of picturesOf(scenarios)) {
    await Deno.writeTextFile(join(folder, file), svg);
  }
}

function showProgress({ label, contender }: Run, round: number): void {
  hideProgress();
  if (Deno.stderr.isTerminal()) writeError(`… ${contender} ${label} (round ${round})`);
}

function hideProgress(): void {
  if (Deno.stderr.isTerminal()) writeError("\r\x1b[K");
}

function writeError(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) {
  const parsed = parseFlags(Deno.args);
  if (parsed.kind === "help") {
    console.log(HELP);
  } else if (parsed.kind === "invalid") {
    console.error(`error: ${parsed.reason}, see --help`);
    Deno.exit(2);
  } else {
    try {
      Deno.exit(await main(parsed.flags));
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      console.error(error.message);
      Deno.exit(1);
    }
  }
}
