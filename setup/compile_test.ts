import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runProcess } from "../tests/support/mod.ts";
import { compileFailure, compilePart, type PartName, PARTS } from "./compile.ts";

const SCRIPT = fileURLToPath(new URL("compile.ts", import.meta.url));

/** So that nothing is downloaded: with this Deno as base all is done that is done with a real one. */
async function withBase(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-compile-" });
  const before = Deno.env.get("DENORT_BIN");
  Deno.env.set("DENORT_BIN", Deno.execPath());
  try {
    await run(folder);
  } finally {
    if (before === undefined) Deno.env.delete("DENORT_BIN");
    else Deno.env.set("DENORT_BIN", before);
    await Deno.remove(folder, { recursive: true });
  }
}

for (const part of Object.keys(PARTS) as PartName[]) {
  Deno.test(`${part} is compiled, with its own modules and packages alone`, async () => {
    await withBase(async (folder) => {
      const compiled = await compilePart(part, { folder });
      assert(compiled.kind === "ok", JSON.stringify(compiled));
      const { path, bytes, embedded } = compiled;
      assert.equal(path, `${folder}/${PARTS[part].executable}`);
      assert.equal((await Deno.stat(path)).size, bytes);
      assert.deepEqual([...Deno.readDirSync(folder)].length, 1);
      for (const wanted of [` ${part} (`, " protocol (", " main.ts (", "logtape/"]) {
        assert(embedded.includes(wanted), `${wanted} is missing:\n${embedded}`);
      }
      const forNats = part === "agent" ? ["nats-core", "jetstream"] : [];
      for (const unwanted of ["_test.ts", "testing", "tests", "fast-check", ...forNats]) {
        assert(!embedded.includes(unwanted), `${unwanted} is embedded:\n${embedded}`);
      }
      const others = Object.keys(PARTS).filter((other) => other !== part);
      for (const other of others) assert(!embedded.includes(` ${other} (`), embedded);
    });
  });
}

Deno.test("no module of a part is for tests", async () => {
  for (const part of Object.keys(PARTS)) {
    const main = fileURLToPath(new URL(`../${part}/main.ts`, import.meta.url));
    const { stdout } = await runProcess(Deno.execPath(), ["info", "--json", main]);
    const { modules } = JSON.parse(stdout) as { modules: { specifier: string }[] };
    const specifiers = modules.map(({ specifier }) => specifier);
    assert(specifiers.length > 20);
    const forTests = specifiers.filter((it) => /_test\.ts$|\/testing\/|\/tests\//.test(it));
    assert.deepEqual(forTests, []);
  }
});

Deno.test("a permission set that does not exist is named", async () => {
  await withBase(async (folder) => {
    assert.deepEqual(await compilePart("relay", { folder, permissions: "nope" }), {
      kind: "failed",
      reason: "Could not find permission set 'nope' in deno.json",
    });
  });
});

Deno.test("without the base of executables, it says where that is and what can be done", () => {
  const url = "https://dl.deno.land/release/v2.9.6/denort-x86_64-unknown-linux-gnu.zip";
  const reason = compileFailure(`Compile relay/main.ts to dist/relay
error: Writing deno compile executable to temporary file 'dist/relay.tmp-9a'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (${url}): client error (Connect): dns error: failed

Stack backtrace:
   0: <unknown>
`);
  assert.match(reason, /^the base of executables cannot be downloaded: https:.*denort.*\.zip$/m);
  assert.match(reason, /DENORT_BIN/);
  assert.doesNotMatch(reason, /backtrace/);
});

Deno.test("a type error is shown with its place", () => {
  const reason = compileFailure(`Check relay/main.ts
TS2322 [ERROR]: Type 'number' is not assignable to type 'string'.
    at file:///relay/main.ts:1:7

error: Type checking failed.
`);
  assert.match(
    reason,
    /^TS2322 .*\n {4}at file:\/\/\/relay\/main.ts:1:7\n\nType checking failed\.$/,
  );
});

for (
  const [args, message] of [
    [["api-and-more"], 'part is "api-and-more", allowed are relay, api, agent, cli'],
    [["--target", "pdp-11"], '--target is "pdp-11", allowed are x86_64-unknown-linux-gnu'],
    [["--quick"], "Unknown option '--quick'"],
  ] as const
) {
  Deno.test(`deno task compile ${args.join(" ")} is refused, with what is allowed`, async () => {
    const { code, stderr } = await runProcess(Deno.execPath(), ["run", "-A", SCRIPT, ...args]);
    assert.equal(code, 2);
    assert(stderr.startsWith(`error: ${message}`), stderr);
  });
}

Deno.test("deno task compile writes the parts asked for, and prints their sizes", async () => {
  await withBase(async (folder) => {
    const args = ["run", "-A", SCRIPT, "cli", "relay", "--output", folder];
    const { code, stdout, stderr } = await runProcess(Deno.execPath(), args);
    assert.equal(code, 0, stderr);
    const lines = stdout.trim().split("\n");
    assert.match(lines[0] ?? "", /\/ourocodus {2}\d+\.\d MB$/);
    assert.match(lines[1] ?? "", /\/relay {2}\d+\.\d MB$/);
    assert.equal(lines.length, 2);
  });
});
