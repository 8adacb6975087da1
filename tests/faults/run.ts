/**
 * `deno task faults`: runs all faults, on one nats-server and on three, and writes tests/FAULTS.md
 * from what they recorded. Arguments go to `deno test`; `OUROCODUS_FAULT_SERVERS` names one of the
 * two numbers. The table is written only if nothing failed and nothing was left out.
 *
 * Exit codes: 0 all passed, 1 some failed, 130 interrupted.
 *
 * @module
 */
import { ensureNatsServer, SetupError } from "../../setup/mod.ts";
import { splitChaos } from "../chaos/summary.ts";
import { type Counts, formatCounts } from "../support/counts.ts";
import { ROOT } from "../support/programs.ts";
import { runTests } from "../support/run_tests.ts";
import { parseRecords, RECORDS_VARIABLE, SERVERS_VARIABLE } from "./support/record.ts";
import { FAULTS_FILE, faultTable, rewriteFaults } from "./support/table.ts";

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
  const only = Deno.env.get(SERVERS_VARIABLE);
  const runs = only === undefined ? [1, 3] : [Number(only)];
  const records = await Deno.makeTempFile({ prefix: "ourocodus-faults-" });
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const servers of runs) {
    say(`\nOn ${servers} nats-server${servers === 1 ? "" : "s"}\n`);
    const { passed, failed, skipped } = await runTests({
      args: ["tests/faults/", ...args],
      cwd: ROOT,
      env: {
        NATS_SERVER: path,
        NO_COLOR: "1",
        [RECORDS_VARIABLE]: records,
        [SERVERS_VARIABLE]: String(servers),
      },
      write: (part) => void Deno.stdout.writeSync(part),
      signal,
    });
    counts = {
      passed: counts.passed + passed,
      failed: counts.failed + failed,
      skipped: counts.skipped + skipped,
    };
    if (signal.aborted) break;
  }
  const passed = counts.failed === 0 && counts.passed > 0;
  if (counts.skipped > 0) {
    say(`\nNot written: ${FAULTS_FILE}, since ${counts.skipped} were skipped`);
  } // A part of the faults makes no table.
  else if (passed && args.length === 0 && only === undefined) {
    await writeTable(version, await Deno.readTextFile(records));
  }
  await Deno.remove(records);
  say(formatCounts(counts));
  return signal.aborted ? INTERRUPTED : passed ? 0 : 1;
}

/** Writes what the faults did; what is there of chaos stays. */
async function writeTable(nats: string, records: string): Promise<void> {
  const day = new Date().toISOString().slice(0, 10);
  const run = { day, nats, deno: Deno.version.deno, records: parseRecords(records) };
  await rewriteFaults((before) => {
    const [, chaos] = splitChaos(before);
    return `${faultTable(run)}${chaos === "" ? "" : `\n${chaos}`}`;
  });
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error(error instanceof SetupError ? `error: ${error.message}` : error);
  Deno.exit(1);
}
