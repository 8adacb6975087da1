/** Which output is a result: `--stdout json`, `--error-if` and `--require-output`. */
import assert from "node:assert/strict";
import { errorOf, inFolder, resultOf, runOnce, runShell } from "../testing/exec_work.ts";
import { ExecAgent } from "./exec_agent.ts";

const PATH = Deno.env.get("PATH") ?? "";

Deno.test("--stdout json: an object is the payload, anything else is returned as it is", async () => {
  const json = { stdin: "none", stdout: "json" } as const;
  const print = (text: string) => runOnce(["printf", "%s", text], {}, json);
  assert.deepEqual((await print('\ufeff {"a": [1]}\n')).result, { a: [1] });
  assert.deepEqual((await print("[1, 2]")).result, [1, 2]);
  assert.deepEqual((await print("null")).result, null);
  const wrong = errorOf(await print(`nonsense ${"x".repeat(5_000)}`));
  assert.deepEqual([wrong.code, String(wrong.output).length], ["not_json", 2_000]);
  assert.match(String(wrong.message), /^printf did not print JSON: it printed something else$/);
  assert.match(String(errorOf(await print("")).message), /it printed nothing$/);
  const bytes = errorOf(await runShell("printf '\"\\377\"'", {}, json));
  assert.match(String(bytes.message), /it is not UTF-8$/);
  await inFolder(async (folder) => {
    const options = {
      ...json,
      stdin: "json",
      outputFolder: folder,
      maxPayloadBytes: 1_000,
    } as const;
    const large = errorOf(await runOnce(["cat"], { message: "x".repeat(2_000) }, options));
    assert.deepEqual([large.code, large.output_bytes], ["result_too_large", 2_015]);
    assert.equal((await Deno.stat(String(large.output_file))).size, 2_015);
  });
});

Deno.test("--stdout json: colours and titles around it and in it do not matter", async () => {
  const json = { stdin: "none", stdout: "json" } as const;
  const title = "\x1b]0;thinking…\x07";
  const text =
    `${title}\x1b[?25l\x1b[1;32m{\x1b[0m"a":\x1b[33m[1]\x1b[0m}\n\x1b]0;done\x1b\\\x1b[?25h`;
  assert.deepEqual((await runOnce(["printf", "%s", text], {}, json)).result, { a: [1] });
  const around = errorOf(await runOnce(["printf", "%s", `${title}note {"a":1}`], {}, json));
  assert.equal(around.code, "not_json");
});

Deno.test("--error-if: JSON that tells of a failure is an error, with all of it", async () => {
  const json = { stdin: "none", stdout: "json", errorIf: ".is_error" } as const;
  const print = (value: unknown, options: object = {}) =>
    runOnce(["printf", "%s", JSON.stringify(value)], {}, { ...json, ...options });
  const failed = { is_error: true, result: "limit reached" };
  assert.deepEqual(errorOf(await print(failed)), {
    code: "command_reported_error",
    message: "printf reported an error: .is_error is true",
    output: failed,
    exit_code: 0,
  });
  for (const value of [{ is_error: false }, {}, { is_error: null }, { is_error: [] }, [1], "x"]) {
    assert.deepEqual((await print(value)).result, value);
  }
  const nested = errorOf(
    await print({ errors: [{ text: "why" }] }, { errorIf: ".errors[0].text" }),
  );
  assert.equal(nested.message, "printf reported an error: .errors[0].text is why");
  const long = errorOf(await print({ is_error: "x".repeat(990) }, { maxPayloadBytes: 1_020 }));
  assert.deepEqual([long.code, long.output, long.output_bytes], [
    "command_reported_error",
    undefined,
    1_005,
  ]);
  await Deno.remove(String(long.output_file));
  const exit = errorOf(await runShell("echo '{\"is_error\":true}'; exit 1", {}, json));
  assert.equal(exit.code, "exit");
});

Deno.test("--error-if with a path that is none, or without JSON, is refused at once", () => {
  const make = (errorIf: string, stdout: "json" | "text" = "json") => () =>
    new ExecAgent({ command: ["true"], env: { PATH }, stdout, errorIf });
  assert.throws(make("is_error"), {
    name: "OptionError",
    message: '--error-if is "is_error", it must be a path like .is_error or .errors[0].text',
  });
  assert.throws(make(".is_error", "text"), {
    name: "OptionError",
    message: '--error-if is ".is_error", which needs JSON: add --stdout json',
  });
});

Deno.test("--require-output: a command that prints nothing has failed", async () => {
  const options = { requireOutput: true };
  assert.deepEqual(
    errorOf(await runShell("printf ' \\n\\t\\033[0m'; echo why >&2", undefined, options)),
    {
      code: "no_output",
      message: "sh ended with exit code 0, but printed nothing: why",
      exit_code: 0,
      stderr: "why\n",
      output: " \n\t\x1b[0m",
    },
  );
  assert.equal(resultOf(await runShell("echo 0", undefined, options)).output, "0\n");
  const json = { ...options, stdout: "json" } as const;
  assert.equal(errorOf(await runShell("true", undefined, json)).code, "no_output");
  assert.equal(errorOf(await runShell("exit 3", undefined, options)).code, "exit");
});
