/**
 * `deno task faults`: runs all faults and writes tests/FAULTS.md from what they recorded. Arguments
 * go to `deno test`. The table is written only if nothing failed and nothing was left out.
 *
 * Exit codes: 0 all passed, 1 some failed, 130 interrupted.
 *
 * @module
 */
import { ensureNatsServer } from "../../setup/mod.ts";
import { formatCounts } from "../support/counts.ts";
import { ROOT } from "../support/programs.ts";
import { runTests } from "../support/run_tests.ts";
import { parseRecords, RECORDS_VARIABLE } from "./support/record.ts";
import { faultTable } from "./support/table.ts";

const TABLE = `${ROOT}/tests/FAULTS.md`;

const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => ending.abort());
}
const say = (line: string) => console.log(line);
const { path, version } = await ensureNatsServer({
  env: Deno.env.toObject(),
  say,
  signal: ending.signal,
});
const records = await Deno.makeTempFile({ prefix: "ourocodus-faults-" });
const counts = await runTests({
  args: ["tests/faults/", ...Deno.args],
  cwd: ROOT,
  env: { NATS_SERVER: path, NO_COLOR: "1", [RECORDS_VARIABLE]: records },
  write: (part) => void Deno.stdout.writeSync(part),
  signal: ending.signal,
});
const failed = counts.failed > 0 || counts.passed === 0;
if (!failed && Deno.args.length === 0) {
  const table = faultTable({
    day: new Date().toISOString().slice(0, 10),
    nats: version,
    deno: Deno.version.deno,
    records: parseRecords(await Deno.readTextFile(records)),
  });
  await Deno.writeTextFile(TABLE, table);
  const format = new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", TABLE] });
  await format.output();
  say(`\nWritten: ${TABLE}`);
}
await Deno.remove(records);
say(formatCounts(counts));
Deno.exit(ending.signal.aborted ? 130 : failed ? 1 : 0);
