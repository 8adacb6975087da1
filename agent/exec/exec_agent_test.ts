import assert from "node:assert/strict";
import { RetryableError } from "../errors.ts";
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

Deno.test("the work is in the environment too, next to what the agent was given", async () => {
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

Deno.test("exit codes that are named release the work", async () => {
  const options = { retryOn: [75, 137], retryDelayMs: 2_500 };
  for (const script of ["exit 75", "kill -9 $$"]) {
    const { error } = await runShell(script, undefined, options);
    assert(error instanceof RetryableError);
    assert.equal(error.delayMs, 2_500);
  }
  assert.equal(errorOf(await runShell("exit 76", undefined, options)).exit_code, 76);
});

Deno.test("exit codes that are named put the work off, uncharged, until the command says", async () => {
  const options = { snoozeOn: [75], retryDelayMs: 2_500 };
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const delays = [["", 2_500], ["later", 2_500], ["2h", 7_200_000], ["1.5", 1_500], [
    soon,
    3_600_000,
  ]];
  for (const [said, delayMs] of delays) {
    const { error } = await runShell(
      `echo why >&2; echo '${said}' >&2; exit 75`,
      undefined,
      options,
    );
    assert(error instanceof RetryableError);
    assert.equal(error.reason, "snoozed");
    assert.ok(Math.abs(error.delayMs - Number(delayMs)) < 30_000, `${said}: ${error.delayMs}`);
  }
  for (const [said, delayMs] of [["999999d", 30 * 86_400_000], ["2001-01-01T00:00:00Z", 0]]) {
    const { error } = await runShell(`echo '${said}' >&2; exit 75`, undefined, options);
    assert.equal((error as RetryableError).delayMs, delayMs);
  }
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

Deno.test("a command that has vanished, or cannot be run any more, leaves its work to other agents", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/program`;
    await Deno.writeTextFile(path, "#!/bin/sh\necho $0\n", { mode: 0o755 });
    await using agent = new ExecAgent({ command: ["./program"], cwd: folder, env: { PATH } });
    assert.equal(resultOf(await doWork(agent, { message: "" })).output, `${path}\n`);
    await Deno.chmod(path, 0o644);
    const notRunnable = (await doWork(agent, { message: "" })).error as RetryableError;
    await Deno.remove(path);
    const gone = (await doWork(agent, { message: "" })).error as RetryableError;
    for (const { name, reason, message } of [notRunnable, gone]) {
      assert.deepEqual([name, reason], ["RetryableError", "not_accepted"]);
      assert.match(message, /^Cannot start the command: /);
    }
  });
});
