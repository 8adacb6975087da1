import assert from "node:assert/strict";
import { ProgressBar, progressText } from "./progress_bar.ts";
import { MemoryOutput } from "./testing/memory_console.ts";
import { until } from "../tests/support/mod.ts";

Deno.test("the bar shows part, count and speed; without an end only count and speed", () => {
  const progress = { label: "stored", done: 1_500, part: 0.5 };
  assert.equal(
    progressText(progress, 500),
    "████████████░░░░░░░░░░░░  50 %  1,500 stored  3,000/s",
  );
  assert.equal(progressText({ label: "stored", done: 10 }, 1_000), "10 stored  10/s");
});

Deno.test("a bar is drawn on a terminal and taken away; elsewhere there is none", async () => {
  const terminal = new MemoryOutput({ isTerminal: true });
  const file = new MemoryOutput();
  const bars = [terminal, file].map((output) =>
    new ProgressBar(output, () => ({ label: "stored", done: 1 }))
  );
  await until(() => terminal.text.includes("1 stored"));
  for (const bar of bars) bar.end();
  assert(terminal.text.endsWith("\r\x1b[K"));
  assert.equal(file.text, "");
});
