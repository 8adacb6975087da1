import assert from "node:assert/strict";
import { runProcess, startProcess } from "./processes.ts";

/** Says it is ready, then waits forever; SIGTERM ends it with 7, unless it is stubborn. */
const WAITER = `
  Deno.addSignalListener("SIGTERM", () => {
    console.log("asked to end");
    if (Deno.args[0] !== "stubborn") Deno.exit(7);
  });
  console.error("ready");
  setInterval(() => {}, 1000);
`;

Deno.test("runProcess returns the exit code and both outputs", async () => {
  const script = `console.log("out"); console.error("err"); Deno.exit(3)`;
  const { code, stdout, stderr } = await runProcess(Deno.execPath(), [
    "eval",
    "--no-config",
    script,
  ]);
  assert.deepEqual({ code, stdout, stderr }, { code: 3, stdout: "out\n", stderr: "err\n" });
});

Deno.test("runProcess passes stdin and environment", async () => {
  const script = `console.log(await new Response(Deno.stdin.readable).text(), Deno.env.get("X"))`;
  const { stdout } = await runProcess(Deno.execPath(), ["eval", "--no-config", script], {
    stdin: "hello",
    env: { X: "y" },
  });
  assert.equal(stdout, "hello y\n");
});

Deno.test("runProcess ends a process that takes too long and shows its output", async () => {
  const running = runProcess(Deno.execPath(), [
    "eval",
    "--no-config",
    `setInterval(() => {}, 1000)`,
  ], {
    name: "sleeper",
    timeoutMs: 300,
  });
  await assert.rejects(running, /^Error: sleeper did not end within 300 ms/);
});

Deno.test("stop sends SIGTERM and waits for the end", async () => {
  await using child = startProcess(Deno.execPath(), ["eval", "--no-config", WAITER]);
  assert.equal(await child.waitForLine(/^ready$/), "ready");
  const { code } = await child.stop();
  assert.equal(code, 7);
  assert.equal(child.stdout, "asked to end\n");
});

Deno.test("stop kills a process that does not end in time and says so", async () => {
  await using child = startProcess(Deno.execPath(), ["eval", "--no-config", WAITER, "stubborn"], {
    name: "mule",
  });
  await child.waitForLine("ready");
  await assert.rejects(child.stop({ timeoutMs: 300 }), /mule did not end within 300 ms/);
  assert.equal((await child.status).signal, "SIGKILL");
});

Deno.test("waitForLine fails when the process ends without the line", async () => {
  await using child = startProcess(Deno.execPath(), ["eval", "--no-config", `console.log("bye")`], {
    name: "x",
  });
  await assert.rejects(child.waitForLine("hello"), /x did not write hello.*exit code 0.*\nbye/s);
});

Deno.test("a program that is not there is an error at once", () => {
  assert.throws(() => startProcess("/nowhere/program", []), Deno.errors.NotFound);
});
