import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { ROOT } from "./programs.ts";
import { DOCKER_TESTS, LONG_TESTS, testArguments } from "./test_arguments.ts";

const flags = ["--parallel", "--sanitize-ops", "--sanitize-resources"];
const ignore = (paths: readonly string[]) => paths.map((path) => `--ignore=${path}`);

Deno.test("long tests are left out unless all are asked for, Docker's in either case", () => {
  const short = [...flags, ...ignore(DOCKER_TESTS), ...ignore(LONG_TESTS)];
  assert.deepEqual(testArguments([]), short);
  assert.deepEqual(testArguments(["--filter", "lease"]), [...short, "--filter", "lease"]);
  assert.deepEqual(testArguments(["--all"]), [...flags, ...ignore(DOCKER_TESTS)]);
});

Deno.test("an example in the documentation may leave something open", () => {
  assert.deepEqual(testArguments(["README.md", "--doc"]), ["--parallel", "README.md", "--doc"]);
});

Deno.test("nothing is left out of a file or folder that is named", () => {
  for (const path of ["tests/faults", "cli/docker_test.ts", `${ROOT}/bench/`]) {
    assert.deepEqual(testArguments([path, "--no-check"]), [...flags, path, "--no-check"]);
  }
});

Deno.test("there are such tests", () => {
  for (const path of [...LONG_TESTS, ...DOCKER_TESTS]) {
    assert.ok(existsSync(`${ROOT}/${path}`), path);
  }
});
