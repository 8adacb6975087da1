import assert from "node:assert/strict";
import { isRunning, until } from "../../tests/support/mod.ts";
import { systemClock } from "../clock.ts";
import { StdioProcess } from "./stdio_process.ts";

function start(script: string, tailBytes?: number): StdioProcess {
  return new StdioProcess("/bin/sh", {
    args: ["-c", script],
    env: { PATH: Deno.env.get("PATH") ?? "" },
    cwd: "/",
    clock: systemClock,
    mark: "m-stdio",
    tailBytes,
  });
}

Deno.test("a program is spoken to, and the end of what it complains of is kept", async () => {
  const program = start(
    'echo "$OUROCODUS_MARK"; while read -r line; do echo "<$line>"; done; echo why >&2',
    3,
  );
  const writer = program.stdin.getWriter();
  await writer.write(new TextEncoder().encode("one\ntwo\n"));
  await writer.close();
  assert.equal(await new Response(program.stdout).text(), "m-stdio\n<one>\n<two>\n");
  await until(() => program.stderrTail() === "hy\n", { message: "the end of standard error" });
  await program.end(0);
});

Deno.test("end ends a program that still reads, with what holds its output open", async () => {
  const program = start(
    "echo last >&2; (trap '' TERM; while :; do sleep 0.1; done) & echo $!; cat",
  );
  const reader = program.stdout.getReader();
  const { value } = await reader.read();
  const pid = Number(new TextDecoder().decode(value));
  assert.equal(program.left().includes(program.pid), true);
  await program.end(100);
  assert.deepEqual([program.left(), await isRunning(pid)], [[], false]);
  assert.equal(program.stderrTail(), "last\n");
  assert.equal((await program.status).signal, "SIGTERM");
  await reader.cancel();
  await program.stdin.abort().catch(() => {});
});

Deno.test("a program that cannot be started is an error that says why", () => {
  const options = { args: [], env: {}, cwd: "/", clock: systemClock };
  assert.throws(() => new StdioProcess("/nope", options), { code: "ENOENT" });
});
