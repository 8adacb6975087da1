import assert from "node:assert/strict";
import { isRunning } from "./is_running.ts";
import { type ProcessOutput, runProcess, startProcess } from "./processes.ts";
import { ROOT } from "./programs.ts";
import { until } from "./until.ts";

/** A folder of test files, on which `tests/run.ts` is run. Disposing of it removes it. */
async function suite(files: Record<string, string>): Promise<AsyncDisposable & { folder: string }> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-suite-" });
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function run(
  files: Record<string, string>,
  options: { args?: string[]; env?: Record<string, string> } = {},
): Promise<ProcessOutput & { lastLine: string | undefined }> {
  await using tests = await suite(files);
  // Checking types is most of what such a run costs.
  const { args: flags = ["--no-check"] } = options;
  const args = ["run", "-A", `${ROOT}/tests/run.ts`, tests.folder, ...flags];
  const output = await runProcess(Deno.execPath(), args, { env: options.env });
  return { ...output, lastLine: output.stdout.split("\n").at(-2) };
}

const PASSES = `Deno.test("one", () => {}); Deno.test("two", () => {});`;
const FAILS = `Deno.test("bad", () => { throw new Error("as it should"); });`;

Deno.test("the last line counts what passed, and the exit code is 0", async () => {
  const { code, stdout, lastLine } = await run({ "a_test.ts": PASSES });
  assert.equal(lastLine, "2 passed, 0 failed");
  assert.equal(code, 0);
  assert.match(stdout, /^Testing with nats-server \d+\.\d+\.\d+\S*: \/\S+\n/m);
  assert.match(stdout, / => one \.\.\. ok/m);
});

Deno.test("the last line counts failed and skipped tests of all files", async () => {
  const { code, lastLine } = await run({
    "a_test.ts": PASSES,
    "b_test.ts": FAILS,
    "c_test.ts": `Deno.test.ignore("later", () => {});`,
  });
  assert.equal(lastLine, "2 passed, 1 failed, 1 skipped");
  assert.equal(code, 1);
});

Deno.test("a file that does not compile is a failure", async () => {
  const { code, lastLine } = await run({ "a_test.ts": PASSES, "b_test.ts": `const x: 1 = 2; x;` }, {
    args: [],
  });
  assert.equal(lastLine, "0 passed, 1 failed");
  assert.equal(code, 1);
});

Deno.test("an error outside of a test is a failure", async () => {
  // After all tests of the file: a timer could fire within one, which would fail then, too.
  const late = `Deno.test("three", () => {});
    addEventListener("unload", () => { throw new Error("late"); });`;
  const { code, lastLine } = await run({ "a_test.ts": PASSES, "b_test.ts": late });
  assert.equal(lastLine, "3 passed, 1 failed");
  assert.equal(code, 1);
});

Deno.test("a test that leaves a timer or a file behind is a failure", async () => {
  const leaks = ["setTimeout(() => {}, 60_000)", "Deno.openSync(Deno.execPath())"];
  const tests = leaks.map((leak) => `Deno.test("leak", () => void ${leak});`).join(" ");
  const { code, lastLine } = await run({ "a_test.ts": tests });
  assert.deepEqual([code, lastLine], [1, "0 passed, 2 failed"]);
});

Deno.test("a run without any test is a failure", async () => {
  const filtered = await run({ "a_test.ts": PASSES }, {
    args: ["--no-check", "--filter", "no such test"],
  });
  assert.equal(filtered.lastLine, "0 passed, 0 failed");
  assert.match(filtered.stderr, /^No test ran$/m);
  assert.equal(filtered.code, 1);
  const none = await run({});
  assert.match(none.lastLine ?? "", /^0 passed, \d failed$/);
  assert.equal(none.code, 1);
});

Deno.test("doc examples are counted with --doc", async () => {
  const example =
    `/**\n * \`\`\`ts\n * if (x !== 1) throw 1;\n * \`\`\`\n */\nexport const x = 1;\n`;
  const { code, lastLine } = await run({ "a_test.ts": PASSES, "x.ts": example }, {
    args: ["--no-check", "--doc"],
  });
  assert.equal(lastLine, "3 passed, 0 failed");
  assert.equal(code, 0);
});

Deno.test("tests get the nats-server that was found", async () => {
  const script = `Deno.test("env", () => {
    if (!Deno.statSync(Deno.env.get("NATS_SERVER")!).isFile) throw new Error("no file");
  });`;
  assert.equal((await run({ "a_test.ts": script })).lastLine, "1 passed, 0 failed");
});

Deno.test("without a nats-server no test is run, and that is a failure", async () => {
  const env = { NATS_SERVER: "/nowhere/nats-server" };
  const { code, stdout, stderr, lastLine } = await run({ "a_test.ts": PASSES }, { env });
  assert.equal(lastLine, "0 passed, 1 failed");
  assert.equal(code, 1);
  assert.match(stderr, /NATS_SERVER is "\/nowhere\/nats-server": there is no such file/);
  assert.doesNotMatch(stdout, /one/);
});

Deno.test("what a test leaves running is ended", async () => {
  const { stdout, lastLine } = await run({
    "a_test.ts": `Deno.test("leaves", async () => {
      const args = ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"];
      const { stdout } = await new Deno.Command("sh", { args }).output();
      console.log("\\nleft " + new TextDecoder().decode(stdout));
    });`,
  });
  assert.equal(lastLine, "1 passed, 0 failed");
  const pid = Number(/^left (\d+)$/m.exec(stdout)?.[1]);
  await until(async () => !await isRunning(pid), { message: `process ${pid} to end` });
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} ends the tests, their processes and their files`, async () => {
    await using tests = await suite({
      "a_test.ts": `Deno.test("hangs", async () => {
        const folder = await Deno.makeTempDir();
        const child = new Deno.Command("sleep", { args: ["1000"] }).spawn();
        console.log("\\nstarted " + child.pid + " " + folder);
        await child.status;
      });`,
    });
    const args = ["run", "-A", `${ROOT}/tests/run.ts`, "--no-check", tests.folder];
    await using running = startProcess(Deno.execPath(), args);
    const started = await running.waitForLine(/^started \d+/);
    const pid = Number(started.split(" ")[1]);
    const folder = started.split(" ")[2] ?? "";
    assert.equal(await isRunning(pid), true);
    const { code } = await running.stop({ signal });
    assert.equal(code, 130);
    assert.equal(running.stdout.split("\n").at(-2), "0 passed, 1 failed");
    await until(async () => !await isRunning(pid), { message: `process ${pid} to end` });
    await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
  });
}
