/**
 * `deno task faults`: runs all faults and writes tests/FAULTS.md from what they recorded. Arguments
 * go to `deno test`. The table is written only if nothing failed and nothing was left out.
 *
 * Exit codes: 0 all passed, 1 some failed, 130 interrupted.
 *
 * @module
 */
import { ensureNatsServer, SetupError } from "../../setup/mod.ts";
import { formatCounts } from "../support/counts.ts";
import { ROOT } from "../support/programs.ts";
import { runTests } from "../support/run_tests.ts";
import { parseRecords, RECORDS_VARIABLE } from "./support/record.ts";
import { faultTable } from "./support/table.ts";

const TABLE = `${ROOT}/tests/FAULTS.md`;
const INTERRUPTED = 130;

async function main(args: readonly string[]): Promise<number> {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => ending.abort());
  }
  const { signal } = ending;
  const say = (line: string) => console.log(line);
  const { path, version } = await ensureNatsServer({ env: Deno.env.toObject(), say, signal });
  say(`Testing with nats-server ${version}: ${path}\n`);
  const records = await Deno.makeTempFile({ prefix: "ourocodus-faults-" });
  const counts = await runTests({
    args: ["tests/faults/", ...args],
    cwd: ROOT,
    env: { NATS_SERVER: path, NO_COLOR: "1", [RECORDS_VARIABLE]: records },
    write: (part) => void Deno.stdout.writeSync(part),
    signal,
  });
  const passed = counts.failed === 0 && counts.passed > 0;
  // A part of the faults makes no table.
  if (counts.skipped > 0) say(`\nNot written: ${TABLE}, since ${counts.skipped} were skipped`);
  else if (passed && args.length === 0) {
    await writeTable(version, await Deno.readTextFile(records));
  }
  await Deno.remove(records);
  say(formatCounts(counts));
  return signal.aborted ? INTERRUPTED : passed ? 0 : 1;
}

async function writeTable(nats: string, records: string): Promise<void> {
  const day = new Date().toISOString().slice(0, 10);
  const run = { day, nats, deno: Deno.version.deno, records: parseRecords(records) };
  await Deno.writeTextFile(TABLE, faultTable(run));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", TABLE] }).output();
  console.log(`\nWritten: ${TABLE}`);
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error(error instanceof SetupError ? `error: ${error.message}` : error);
  Deno.exit(1);
}
