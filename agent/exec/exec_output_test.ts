/** Output that does not fit into an answer: what of it does, and the file that has all of it. */
import assert from "node:assert/strict";
import { RetryableError } from "../errors.ts";
import { ROOT, runProcess } from "../../tests/support/mod.ts";
import { errorOf, inFolder, resultOf, runOnce, runShell } from "../testing/exec_work.ts";

Deno.test("the end of a failed command's long output is in the error, all of it in a file", async () => {
  await inFolder(async (folder) => {
    const script = "seq 100000; seq 100000 >&2; exit 1";
    const error = errorOf(await runShell(script, undefined, { outputFolder: folder }));
    const whole = await Deno.readTextFile(String(error.output_file));
    assert(whole.endsWith(String(error.output)) && String(error.output).length > 10_000);
    assert.deepEqual([error.truncated, error.output_bytes], [true, whole.length]);
    assert(String(error.stderr).endsWith("99999\n100000\n"));
    const small = errorOf(
      await runShell(script, undefined, { outputFolder: folder, maxPayloadBytes: 1_000 }),
    );
    assert(JSON.stringify(small).length <= 1_000);
    assert(
      String(small.output).endsWith("\n100000\n") && String(small.stderr).endsWith("100000\n"),
    );
  });
});

Deno.test("50 MB of output are cut at a whole character; all of it is in a file", async () => {
  await inFolder(async (folder) => {
    const script = "yes é🐍 | head -c 50000000";
    const done = await runShell(script, undefined, { outputFolder: folder, id: "a/b c" });
    const result = resultOf(done);
    assert.deepEqual([result.truncated, result.output_bytes], [true, 50_000_000]);
    assert.equal(result.output_file_bytes, undefined);
    const file = String(result.output_file);
    assert.match(file.slice(folder.length), /^\/a_b_c-[0-9a-f-]+\.out$/);
    const { size, mode } = await Deno.stat(file);
    assert.deepEqual([size, (mode ?? 0) & 0o777], [50_000_000, 0o600]);
    const output = String(result.output);
    assert(output.startsWith("é🐍\né🐍\n") && !output.includes("\ufffd") && output.isWellFormed());
    const bytes = JSON.stringify(done.result).length;
    assert(new TextEncoder().encode(JSON.stringify(done.result)).length <= 1_000_000);
    assert(new TextEncoder().encode(JSON.stringify(done.result)).length > 999_900, `${bytes}`);
  });
});

Deno.test("output is never in memory as a whole", async () => {
  const outputBytes = 100_000_000;
  await inFolder(async (folder) => {
    // In a process of its own: in this one, tests that run at the same time use memory too.
    const script = `
      import { runShell } from ${JSON.stringify(import.meta.resolve("../testing/exec_work.ts"))};
      const before = Deno.memoryUsage().rss;
      const options = { outputFolder: ${JSON.stringify(folder)} };
      await runShell("yes é🐍 | head -c ${outputBytes}", undefined, options);
      console.log(Deno.memoryUsage().rss - before);`;
    const { stdout, stderr } = await runProcess(Deno.execPath(), ["eval", script], { cwd: ROOT });
    const grown = Number(stdout);
    assert(grown > 0 && grown < outputBytes * 0.75, `${grown} bytes more are in memory${stderr}`);
  });
});

Deno.test("output that is too large only as JSON is cut too, and is in a file", async () => {
  await inFolder(async (folder) => {
    const options = { outputFolder: folder, maxPayloadBytes: 1_000 };
    const message = '"'.repeat(600);
    const result = resultOf(await runOnce(["cat"], { message }, options));
    assert.deepEqual([result.truncated, result.output_bytes], [true, 600]);
    assert.equal(await Deno.readTextFile(String(result.output_file)), message);
    const exact = "x".repeat(900);
    const whole = resultOf(await runOnce(["cat"], { message: exact }, options));
    assert.deepEqual(whole, { output: exact, exit_code: 0 });
  });
});

Deno.test("a file has a limit, and a folder that cannot be written stops nothing", async () => {
  await inFolder(async (folder) => {
    const options = { maxPayloadBytes: 1_000 };
    const message = "x".repeat(5_000);
    const limited = resultOf(
      await runOnce(["cat"], { message }, {
        ...options,
        outputFolder: folder,
        maxOutputBytes: 2_000,
      }),
    );
    assert.deepEqual([limited.output_bytes, limited.output_file_bytes], [5_000, 2_000]);
    assert.equal((await Deno.stat(String(limited.output_file))).size, 2_000);
    await Deno.writeTextFile(`${folder}/file`, "");
    const unwritten = resultOf(
      await runOnce(["cat"], { message }, { ...options, outputFolder: `${folder}/file/below` }),
    );
    assert.deepEqual([unwritten.output_bytes, unwritten.output_file], [5_000, undefined]);
    assert.equal(unwritten.output_file_bytes, undefined);
    assert.equal(typeof unwritten.output_file_error, "string");
  });
});

Deno.test("output that no answer names leaves no file: of released and of cancelled work", async () => {
  await inFolder(async (folder) => {
    const options = { outputFolder: folder, maxPayloadBytes: 1_000 };
    const printing = "head -c 5000 /dev/zero; echo ready >&2;";
    const retried = await runShell(`${printing} exit 75`, undefined, { ...options, retryOn: [75] });
    assert.ok(retried.error instanceof RetryableError);
    const cancel = new AbortController();
    const cancelled = await runShell(`${printing} sleep 1000`, undefined, {
      ...options,
      signal: cancel.signal,
      onProgress: () => cancel.abort(new Error("cancelled")),
    });
    assert.match(String(cancelled.error), /cancelled/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  });
});

Deno.test({
  name: "a file with output is not open any more when its work is answered",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await inFolder(async (folder) => {
      const options = { outputFolder: folder, maxPayloadBytes: 1_000 };
      const result = resultOf(await runOnce(["cat"], { message: "x".repeat(5_000) }, options));
      const open = await Array.fromAsync(Deno.readDir("/proc/self/fd"), ({ name }) => {
        return Deno.readLink(`/proc/self/fd/${name}`).catch(() => "");
      });
      assert.equal(open.includes(String(result.output_file)), false);
    });
  },
});

Deno.test("output that is no UTF-8 is replaced, and the result says so", async () => {
  const { output, invalid_utf8 } = resultOf(await runShell("printf 'a\\377b\\303'"));
  assert.deepEqual([output, invalid_utf8], ["a\ufffdb\ufffd", true]);
  const cut = resultOf(await runShell("printf 'a\\303'"));
  assert.deepEqual([cut.output, cut.invalid_utf8], ["a\ufffd", true]);
  const error = errorOf(await runShell("printf 'a\\377'; exit 1"));
  assert.deepEqual([error.output, error.invalid_utf8], ["a\ufffd", true]);
});
