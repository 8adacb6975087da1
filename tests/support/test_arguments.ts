import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ROOT } from "./programs.ts";

/** Files and folders of tests that take long: `deno task test` runs them only if they are named. */
export const LONG_TESTS = [
  "bench",
  "cli/agent_test.ts",
  "cli/home_test.ts",
  "cli/remembered_agents_test.ts",
  "cli/start_test.ts",
  "cli/status_test.ts",
  "demo",
  "git/nothing_lost_test.ts",
  "relay/attempt_mutations_test.ts",
  "setup/compile_test.ts",
  "tests/browser",
  "tests/chaos",
  "tests/coding",
  "tests/events_test.ts",
  "tests/faults",
] as const;

/** Tests that need a Docker engine: `deno task e2e` runs them. */
export const DOCKER_TESTS = ["cli/docker_test.ts"] as const;

/** Deno looks for what a test leaves open only if it is told to. */
const SANITIZERS = ["--sanitize-ops", "--sanitize-resources"];

/**
 * The arguments of `deno test` for those of `deno task test`. Test files run in parallel, and a test
 * that leaves a timer, a socket or a file behind fails; an example in the documentation (`--doc`) may.
 *
 * @param args Files, folders and flags; with `--all` long tests are run too. Where a file or folder
 * is named, nothing in it is left out.
 */
export function testArguments(args: readonly string[]): string[] {
  const rest = args.filter((arg) => arg !== "--all");
  const all = rest.length < args.length;
  const named = rest.some((arg) => existsSync(resolve(ROOT, arg)));
  const ignored = named && !all ? [] : [...DOCKER_TESTS, ...all ? [] : LONG_TESTS];
  const sanitizers = rest.includes("--doc") ? [] : SANITIZERS;
  return ["--parallel", ...sanitizers, ...ignored.map((path) => `--ignore=${path}`), ...rest];
}
