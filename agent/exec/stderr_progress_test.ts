import assert from "node:assert/strict";
import { FakeClock } from "../testing/fake_clock.ts";
import { type StderrLines, StderrProgress } from "./stderr_progress.ts";

function progress(): {
  clock: FakeClock;
  told: Omit<StderrLines, "stream">[];
  stderr: StderrProgress;
  write: (text: string) => void;
} {
  const clock = new FakeClock();
  const told: Omit<StderrLines, "stream">[] = [];
  const stderr = new StderrProgress(clock, ({ stream: _, ...lines }) => told.push(lines));
  return { clock, told, stderr, write: (text) => stderr.write(new TextEncoder().encode(text)) };
}

Deno.test("a line is told at once, those that come soon after it together", async () => {
  const { clock, told, stderr, write } = progress();
  write("one\n");
  assert.deepEqual(told, [{ message: "one" }]);
  write("two\nthr");
  write("ee\n\n  \nfour");
  assert.equal(told.length, 1);
  await clock.advance(200);
  assert.deepEqual(told.slice(1), [{ message: "two\nthree" }]);
  await clock.advance(1_000);
  write("\r\n");
  assert.deepEqual(told.slice(2), [{ message: "four" }]);
  write("no end");
  stderr.end();
  assert.deepEqual(told.slice(3), [{ message: "no end" }]);
  assert.equal(clock.pending, 0);
  assert.equal(stderr.tail(), "one\ntwo\nthree\n\n  \nfour\r\nno end");
});

Deno.test("long lines are cut, and too many are counted", async () => {
  const { clock, told, stderr, write } = progress();
  write(`${"x".repeat(5_000)}\n`);
  assert.deepEqual(told, [{ message: `${"x".repeat(2_000)}…` }]);
  for (let line = 0; line < 1_000; line++) write(`${line}\n`);
  await clock.advance(200);
  assert.equal(told[1]?.message.split("\n").length, 100);
  assert.equal(told[1]?.dropped_lines, 900);
  for (let line = 0; line < 20; line++) write(`${"y".repeat(1_999)}\n`);
  stderr.end();
  assert((told[2]?.message ?? assert.fail()).length <= 16_010);
  assert.equal(told[2]?.dropped_lines, 12);
  assert.equal(clock.pending, 0);
});

Deno.test("a character may come in two pieces", () => {
  const { told, stderr } = progress();
  const bytes = new TextEncoder().encode("🐍\n");
  stderr.write(bytes.subarray(0, 2));
  stderr.write(bytes.subarray(2));
  stderr.end();
  assert.deepEqual(told, [{ message: "🐍" }]);
});
