import assert from "node:assert/strict";
import { lastLinesOf, runToEnd } from "./run_to_end.ts";

Deno.test("a program is run to its end; how it ended and what it wrote is told", async () => {
  const heard: string[] = [];
  const script = "echo out; echo err >&2; echo $A,$HOME; exit 3";
  const end = await runToEnd("/bin/sh", ["-c", script], {
    ...{ env: { A: "1" }, clearEnv: true, onOutput: (text) => void heard.push(text) },
  });
  assert.deepEqual([end.code, end.success, end.stdout, end.stderr], [
    ...[3, false, "out\n1,\n", "err\n"],
  ]);
  assert.equal(heard.join(""), "out\n1,\n");
  assert.deepEqual(lastLinesOf(end, 2), ["1,", "err"]);
});

Deno.test("a program that takes too long is ended, as is one that nobody wants any more", async () => {
  const late = runToEnd("sleep", ["600"], { timeoutMs: 10 });
  await assert.rejects(late, { name: "TimeoutError" });
  const reason = new Error("enough");
  const ending = new AbortController();
  const unwanted = runToEnd("sh", ["-c", "echo begun; exec sleep 600"], {
    signal: ending.signal,
    onOutput: () => ending.abort(reason),
  });
  await assert.rejects(unwanted, (error) => error === reason);
});

Deno.test("a program that is not there is Deno's own error", async () => {
  await assert.rejects(runToEnd("/no/such", []), Deno.errors.NotFound);
});
