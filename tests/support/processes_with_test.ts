import assert from "node:assert/strict";
import { isRunning } from "./is_running.ts";
import { startProcess } from "./processes.ts";
import { endProcessesWith, processesWith } from "./processes_with.ts";
import { until } from "./until.ts";

Deno.test({
  name: "processes are found by a variable, also in a session of their own, and ended",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const env = { OUROCODUS_TEST_MARK: crypto.randomUUID() };
    const variable = `OUROCODUS_TEST_MARK=${env.OUROCODUS_TEST_MARK}`;
    await using child = startProcess("sh", ["-c", "setsid sleep 300 & wait"], { env });
    const pids = await until(() => {
      const pids = processesWith(variable);
      return pids.length === 2 && pids;
    }, { message: "a shell and its command" });
    assert.ok(pids.includes(child.pid));
    await endProcessesWith(variable);
    assert.deepEqual(await Promise.all(pids.map(isRunning)), [false, false]);
    assert.deepEqual(processesWith(variable), []);
  },
});
