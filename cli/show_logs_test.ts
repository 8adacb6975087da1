import type { RuntimeLog } from "@ourocodus/system";
import assert from "node:assert/strict";
import { followLogs, LogScreen, showLastLines } from "./show_logs.ts";
import type { Console } from "./console.ts";
import { MemoryOutput } from "./testing/memory_console.ts";

/** A log that has ended with some lines. */
function ended(name: string, lines: readonly string[]): RuntimeLog {
  return {
    ...{ kind: "docker", name, id: name },
    position: () => Promise.resolve(lines.length - 1),
    last: (count) => Promise.resolve(lines.slice(-count)),
    async *follow(from) {
      yield* await Promise.resolve(lines.slice(from));
    },
  };
}

function screenOn(out: MemoryOutput, prefixed: boolean): LogScreen {
  return new LogScreen({ out } as unknown as Console, { prefixed });
}

const LOGS = [
  ended("relay", ["2026-11-29T10:00:01Z one", "2026-11-29T10:00:03Z three"]),
  ended("nats", ["2026-11-29T10:00:02Z two"]),
];

Deno.test("the last lines of logs are shown in the order of their time, whatever they are of", async () => {
  const out = new MemoryOutput();
  await showLastLines(LOGS, 2, screenOn(out, true));
  assert.equal(
    out.text,
    "nats  | 2026-11-29T10:00:02Z two\nrelay | 2026-11-29T10:00:03Z three\n",
  );
});

Deno.test("following ends when all logs have ended, with what came since they were looked at", async () => {
  const out = new MemoryOutput();
  const screen = screenOn(out, false);
  const { signal } = new AbortController();
  await followLogs(() => Promise.resolve(LOGS), screen, { signal, ends: new Map([["relay", 2]]) });
  assert.equal(out.text, "2026-11-29T10:00:02Z two\n");
});
