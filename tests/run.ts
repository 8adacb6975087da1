/**
 * `deno task test`: provides a nats-server and runs all tests on it. Arguments go to `deno test`:
 * `deno task test bus/`, `deno task test --filter lease`, `deno task test --doc`. The last line is
 * `N passed, N failed`, with `, N skipped` if there are any.
 *
 * Exit codes: 0 all passed, 1 some failed or none ran, 130 interrupted.
 *
 * @module
 */
import { ensureNatsServer, SetupError, watchLauncher } from "../setup/mod.ts";
import { describeCodingAgents } from "./support/coding_agents/mod.ts";
import { type Counts, formatCounts } from "./support/counts.ts";
import { ROOT } from "./support/programs.ts";
import { runTests } from "./support/run_tests.ts";

const INTERRUPTED = 130;

async function main(args: readonly string[]): Promise<number> {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => ending.abort());
  }
  const env = Deno.env.toObject();
  watchLauncher(env, () => ending.abort());
  const counts = await testAll(args, ending.signal);
  if (counts.passed + counts.failed === 0) console.error("No test ran");
  console.log(formatCounts(counts));
  if (ending.signal.aborted) return INTERRUPTED;
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

async function testAll(args: readonly string[], signal: AbortSignal): Promise<Counts> {
  try {
    const say = (line: string) => console.log(line);
    const { path, version } = await ensureNatsServer({ env: Deno.env.toObject(), say, signal });
    console.log(`Testing with nats-server ${version}: ${path}`);
    console.log(`${describeCodingAgents(Deno.env.toObject())}\n`);
    return await runTests({
      args,
      cwd: ROOT,
      env: { NATS_SERVER: path, ...(Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" }) },
      write: (part) => writeAll(part),
      signal,
    });
  } catch (error) {
    if (error instanceof SetupError) console.error(`\n${error.message}\n`);
    else if (!signal.aborted) throw error;
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function writeAll(part: Uint8Array): void {
  for (let written = 0; written < part.length;) {
    written += Deno.stdout.writeSync(part.subarray(written));
  }
}

Deno.exit(await main(Deno.args));
