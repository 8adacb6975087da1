import assert from "node:assert/strict";
import { RetryableError } from "../errors.ts";
import { ROOT, runProcess } from "../../tests/support/mod.ts";
import { findSandbox } from "../processes/mod.ts";
import { doWork, errorOf, inFolder, resultOf, runOnce, runShell } from "../testing/exec_work.ts";
import { ExecAgent } from "./exec_agent.ts";

const PATH = Deno.env.get("PATH") ?? "";

function hasProgram(name: string): boolean {
  return PATH.split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}

Deno.test("what a command prints is the result, byte for byte", async () => {
  const message = "  line\r\n\ttwo é 🐍 \u001b[31m\ufeff";
  assert.deepEqual(resultOf(await runOnce(["cat"], { message })), {
    output: message,
    exit_code: 0,
  });
  assert.deepEqual(resultOf(await runOnce(["cat"], { message: "\ufeffx" })).output, "\ufeffx");
  assert.equal(resultOf(await runOnce(["wc", "-w"], { message: "a b c" })).output, "3\n");
  assert.deepEqual(resultOf(await runOnce(["true"])), { output: "", exit_code: 0 });
});

Deno.test("a message that is no string is JSON; one that is missing is an error", async () => {
  assert.equal(resultOf(await runOnce(["cat"], { message: { a: [1] } })).output, '{"a":[1]}');
  assert.equal(resultOf(await runOnce(["cat"], { message: null })).output, "null");
  const missing = errorOf(await runOnce(["cat"], { text: "hello" }));
  assert.equal(missing.code, "no_message");
  assert.match(String(missing.message), /--stdin json or none/);
  const none = { stdin: "none" } as const;
  assert.equal(resultOf(await runOnce(["cat"], {}, none)).output, "");
  const asked = errorOf(await runOnce(["echo", "{id}", "{message}"], {}, none));
  assert.equal(asked.message, 'The payload has no "message", and argument 2 asks for it');
});

Deno.test("--stdin json hands over the whole payload, in one line", async () => {
  const payload = { message: "a\nb", more: [1] };
  const { output } = resultOf(await runOnce(["cat"], payload, { stdin: "json" }));
  assert.equal(output, '{"message":"a\\nb","more":[1]}\n');
});

Deno.test("arguments are filled, and never seen by a shell", async () => {
  const command = ["printf", "%s|", "{message}", "{id}/{session}/{role}", "{{id}}", "{}", "{x}"];
  const message = `$(touch x); "' {id} \\ *`;
  const { output } = resultOf(await runOnce(command, { message }, { id: "i 1" }));
  assert.equal(output, `${message}|i 1/s/r|{id}|{}|{x}|`);
});

Deno.test("the work is in the environment too, beside what the agent was given", async () => {
  const script = 'echo "$OUROCODUS_MESSAGE $OUROCODUS_ID $OUROCODUS_SESSION $OUROCODUS_ROLE ' +
    '$OUROCODUS_AGENT_ID $OUROCODUS_ATTEMPT $MINE [$OUROCODUS_OMITTED] [$HOME]"';
  const env = { PATH, MINE: "mine", OUROCODUS_OMITTED: "the agent's own" };
  const { output } = resultOf(await runShell(script, { message: "hi" }, { env }));
  assert.equal(output, "hi w s r a 1 mine [] []\n");
});

Deno.test("what lets the agent in is not in a command's environment, unless it is set for it", async () => {
  const secrets = {
    NATS_URL: "nats://u:secret@h",
    NATS_PASSWORD: "secret",
    OUROCODUS_TOKEN: "secret",
    OUROCODUS_TOKEN_FILE: "secret",
    OUROCODUS_HOME: "secret",
    OUROCODUS_MARK: "secret",
    FORCE_COLOR: "1",
  };
  const env = { PATH, ...secrets };
  const { output } = resultOf(await runOnce(["env"], undefined, { env, key: "1.2" }));
  const names = String(output).trim().split("\n").map((line) => line.split("=")[0]);
  assert.deepEqual(names.toSorted(), [
    ...["NO_COLOR", "OUROCODUS_AGENT_ID", "OUROCODUS_ATTEMPT", "OUROCODUS_ID", "OUROCODUS_MARK"],
    ...["OUROCODUS_MESSAGE", "OUROCODUS_ROLE", "OUROCODUS_SESSION", "OUROCODUS_WORK_KEY", "PATH"],
  ]);
  assert(!String(output).includes("secret"));
  assert(String(output).includes("\nOUROCODUS_WORK_KEY=1.2\n"));
  const setEnv = { NATS_URL: "nats://mine", FORCE_COLOR: "2", NO_COLOR: "" };
  const script = 'echo "$NATS_URL [$NATS_PASSWORD] $FORCE_COLOR [$NO_COLOR]"';
  const set = resultOf(await runShell(script, undefined, { env, setEnv }));
  assert.equal(set.output, "nats://mine [] 2 []\n");
});

Deno.test("a message that no environment takes is left out of it, with a note", async () => {
  const script = 'echo "$OUROCODUS_OMITTED ${OUROCODUS_MESSAGE-none}"; wc -c';
  const omitted_variables = ["OUROCODUS_MESSAGE"];
  for (const message of ["x".repeat(200_000), "a\0b"]) {
    assert.deepEqual(resultOf(await runShell(script, { message })), {
      output: `OUROCODUS_MESSAGE none\n${message.length}\n`,
      exit_code: 0,
      omitted_variables,
    });
  }
});

Deno.test("arguments that the system does not take are errors that say so", async () => {
  const message = "x".repeat(131_072);
  assert.deepEqual(errorOf(await runOnce(["echo", "-n", "{message}"], { message })), {
    code: "argument_too_long",
    message: "Cannot start the command: argument 2 is 131072 bytes, limit is 131071",
  });
  const fits = await runOnce(["echo", "-n", "{message}"], { message: message.slice(1) });
  assert.equal(String(resultOf(fits).output).length, 131_071);
  assert.deepEqual(errorOf(await runOnce(["echo", "{message}"], { message: "a\0b" })), {
    code: "argument_nul",
    message: "Cannot start the command: argument 1 has a NUL character",
  });
});

Deno.test("a message that is too long only together with its variable is left out there", async () => {
  const places = Array.from({ length: 20 }, () => "{message}");
  const message = "x".repeat(100_000);
  const { code } = errorOf(await runOnce(["echo", ...places, ...places], { message }));
  assert.equal(code, "argument_too_long");
  const fits = ["sh", "-c", 'echo "$OUROCODUS_OMITTED"', ...places];
  const { output } = resultOf(await runOnce(fits, { message }));
  assert.equal(output, "OUROCODUS_MESSAGE\n");
});

Deno.test("standard error is progress, as it comes", async () => {
  await using agent = new ExecAgent({
    command: ["sh", "-c", "echo begun >&2; read line; echo $line >&2; printf end >&2; echo out"],
    env: { PATH },
    stdin: "message",
  });
  const done = await doWork(agent, { message: "middle\n" });
  assert.equal(resultOf(done).output, "out\n");
  const lines = done.progress.map((each) => (each as { message: string }).message);
  assert.equal(lines.join("\n"), "begun\nmiddle\nend");
});

Deno.test("progress comes while the command runs", async () => {
  await inFolder(async (folder) => {
    const script = `echo waiting >&2; while [ ! -e go ]; do sleep 0.01; done; echo done`;
    const onProgress = () => Deno.writeTextFileSync(`${folder}/go`, "");
    const done = await runShell(script, undefined, { cwd: folder, onProgress });
    assert.equal(resultOf(done).output, "done\n");
  });
});

Deno.test("an exit code other than 0 is an error with the end of both outputs", async () => {
  const done = await runShell("echo out; echo 'one\nwhy' >&2; exit 3");
  assert.deepEqual(errorOf(done), {
    code: "exit",
    message: "sh ended with exit code 3: why",
    exit_code: 3,
    stderr: "one\nwhy\n",
    output: "out\n",
  });
});

Deno.test("of a long last line on standard error the message has the beginning", async () => {
  const { message } = errorOf(
    await runShell("echo first >&2; printf '%1000s' end | tr ' ' x >&2; exit 3"),
  );
  assert.equal(message, `sh ended with exit code 3: ${"x".repeat(300)}…`);
});

Deno.test("a signal that ended the command is named", async () => {
  assert.deepEqual(errorOf(await runShell("kill -9 $$")), {
    code: "signal",
    message: "sh was ended by SIGKILL",
    exit_code: 137,
    signal: "SIGKILL",
    stderr: "",
    output: "",
  });
});

Deno.test("exit codes that are named give the work back", async () => {
  const options = { retryOn: [75, 137], retryDelayMs: 2_500 };
  for (const script of ["exit 75", "kill -9 $$"]) {
    const { error } = await runShell(script, undefined, options);
    assert(error instanceof RetryableError);
    assert.equal(error.delayMs, 2_500);
  }
  assert.equal(errorOf(await runShell("exit 76", undefined, options)).exit_code, 76);
});

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

Deno.test("output that no answer names leaves no file: of work given back, and of cancelled work", async () => {
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

const sandbox = await findSandbox(PATH);

Deno.test({
  name: "a confined command writes to its folder and the output folder, nowhere else",
  ignore: sandbox.kind === "missing",
  fn: async () => {
    await inFolder(async (folder) => {
      assert(sandbox.kind === "bwrap");
      const [cwd, outputFolder] = [`${folder}/a`, `${folder}/b`];
      for (const made of [cwd, outputFolder, `${folder}/c`]) await Deno.mkdir(made);
      const options = { cwd, outputFolder, bwrap: sandbox.program };
      const script = `for file in here {message}/b/there ${import.meta.dirname}/nowhere; do ` +
        'if (: >"$file") 2>/dev/null; then echo yes; else echo no; fi; done; cat; exit $OUROCODUS_ATTEMPT';
      const done = await runShell(script, { message: folder }, { ...options, retryOn: [75] });
      const { output, exit_code } = errorOf(done);
      assert.deepEqual([output, exit_code], [`yes\nyes\nno\n${folder}`, 1]);
      const daemon = "setsid env -i sleep 1000 >/dev/null 2>&1 & echo ready >&2; ";
      const slow = await runShell(`${daemon} wait`, undefined, { ...options, timeoutMs: 300 });
      assert.equal(errorOf(slow).code, "timeout");
      const root = () => new ExecAgent({ command: ["true"], env: { PATH }, ...options, cwd: "/" });
      assert.throws(root, { message: 'Cannot confine the command to "/": name a folder' });
    });
  },
});

Deno.test({
  name: "jq",
  ignore: !hasProgram("jq"),
  fn: async () => {
    const options = { stdin: "json", stdout: "json" } as const;
    const sum = ["jq", "{sum: (.numbers | add)}"];
    const { result } = await runOnce(sum, { numbers: [1, 2, 3] }, options);
    assert.deepEqual(result, { sum: 6 });
  },
});

Deno.test({
  name: "git, in a folder",
  ignore: !hasProgram("git"),
  fn: async () => {
    await inFolder(async (folder) => {
      const script =
        "git init -q . && git add a && git -c user.name=n -c user.email=e commit -qm first";
      await Deno.writeTextFile(`${folder}/a`, "a");
      await runShell(script, undefined, { cwd: folder });
      const log = ["git", "log", "--format=%s", "-1", "{message}"];
      const options = { cwd: folder, stdin: "none" } as const;
      assert.equal(resultOf(await runOnce(log, { message: "HEAD" }, options)).output, "first\n");
      const wrong = errorOf(await runOnce(log, { message: "nowhere" }, options));
      assert.match(String(wrong.message), /^git ended with exit code 128: .*/);
    });
  },
});

Deno.test("a command may leave its input unread, or close it", async () => {
  const message = "x".repeat(5_000_000);
  assert.equal(resultOf(await runOnce(["true"], { message })).exit_code, 0);
  assert.equal(resultOf(await runOnce(["head", "-c", "2"], { message })).output, "xx");
  const { output } = resultOf(await runShell("exec <&-; echo closed; sleep 0.05", { message }));
  assert.equal(output, "closed\n");
});

Deno.test("a command that is not there, or cannot be run, is refused at once", () => {
  const make = (...command: string[]) => () => new ExecAgent({ command, env: { PATH } });
  assert.throws(make("nope-nope"), {
    message: 'Cannot run the command: "nope-nope" is not on PATH',
  });
  assert.throws(make("./nope"), { message: 'Cannot run the command: "./nope" does not exist' });
  assert.throws(make("/etc/passwd"), /"\/etc\/passwd" is not executable/);
  assert.throws(make("/etc"), /"\/etc" is no file/);
  assert.throws(make(""), /"" is no name of a program/);
  const cwd = () => new ExecAgent({ command: ["true"], env: { PATH }, cwd: "/nope" });
  assert.throws(cwd, /in "\/nope": it is no folder/);
});

Deno.test("a program is looked for on the PATH that the command gets", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/mine`, "#!/bin/sh\necho mine\n", { mode: 0o755 });
    const done = await runOnce(["mine"], undefined, { setEnv: { PATH: folder } });
    assert.equal(resultOf(done).output, "mine\n");
  });
});

Deno.test("a command that has vanished, or cannot be run any more, is an error result", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/program`;
    await Deno.writeTextFile(path, "#!/bin/sh\necho $0\n", { mode: 0o755 });
    await using agent = new ExecAgent({ command: ["./program"], cwd: folder, env: { PATH } });
    assert.equal(resultOf(await doWork(agent, { message: "" })).output, `${path}\n`);
    await Deno.chmod(path, 0o644);
    assert.equal(errorOf(await doWork(agent, { message: "" })).code, "command_not_executable");
    await Deno.remove(path);
    const { code, message } = errorOf(await doWork(agent, { message: "" }));
    assert.equal(code, "command_not_found");
    assert.match(String(message), /^Cannot start the command: /);
  });
});
