/**
 * `deno task test`: provides a nats-server and runs all tests on it, except those that take long.
 * `deno task test:all` runs those too. Arguments go to `deno test`: `deno task test bus/`,
 * `deno task test tests/faults`, `deno task test --filter lease`, `deno task test --doc`. The last
 * line is `N passed, N failed`, with `, N skipped` if there are any.
 *
 * Test files run in parallel; `DENO_JOBS` says how many at once.
 *
 * Exit codes: 0 all passed, 1 some failed or none ran, 130 interrupted.
 *
 * @module
 */
import { ensureNatsServer, SetupError, watchLauncher } from "../setup/mod.ts";
import { buildMonitor, monitorIsStale } from "../web/build.ts";
import { describeCodingAgents } from "./support/coding_agents/mod.ts";
import { type Counts, formatCounts } from "./support/counts.ts";
import { ROOT } from "./support/programs.ts";
import { runTests } from "./support/run_tests.ts";
import { testArguments } from "./support/test_arguments.ts";

const INTERRUPTED = 130;
const NEWLINE = 10;
/** One more than there are processors: most tests wait for processes to start and end. */
const JOBS = navigator.hardwareConcurrency + 1;

async function main(args: readonly string[]): Promise<number> {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => ending.abort());
  }
  const env = Deno.env.toObject();
  watchLauncher(env, () => ending.abort());
  const counts = await test(args, ending.signal);
  if (counts.passed + counts.failed === 0) console.error("No test ran");
  if (inLine) console.log();
  console.log(formatCounts(counts));
  if (ending.signal.aborted) return INTERRUPTED;
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

async function test(args: readonly string[], signal: AbortSignal): Promise<Counts> {
  try {
    const say = (line: string) => console.log(line);
    const { path, version } = await ensureNatsServer({ env: Deno.env.toObject(), say, signal });
    console.log(`Testing with nats-server ${version}: ${path}`);
    console.log(`${describeCodingAgents(Deno.env.toObject())}\n`);
    // Once, before tests that run in parallel all want it.
    if (await monitorIsStale()) await buildMonitor().catch(console.error);
    return await runTests({
      args: testArguments(args),
      cwd: ROOT,
      env: {
        NATS_SERVER: path,
        DENO_JOBS: Deno.env.get("DENO_JOBS") ?? String(JOBS),
        ...(Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" }),
      },
      write: (part) => writeAll(part),
      signal,
    });
  } catch (error) {
    if (error instanceof SetupError) console.error(`\n${error.message}\n`);
    else if (!signal.aborted) throw error;
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Whether what was written last ends in the middle of a line. */
let inLine = false;

function writeAll(part: Uint8Array): void {
  inLine = part.length > 0 ? part.at(-1) !== NEWLINE : inLine;
  for (let written = 0; written < part.length;) {
    written += Deno.stdout.writeSync(part.subarray(written));
  }
}

Deno.exit(await main(Deno.args));
