import assert from "node:assert/strict";
import { ClosedOutputError, type Sink, StreamOutput, wantsColor } from "./output.ts";

/** A sink that takes a few bytes at a time. */
class SlowSink implements Sink {
  text = "";
  failure: Error | undefined;
  isTerminal(): boolean {
    return false;
  }
  async write(data: Uint8Array): Promise<number> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    const part = data.subarray(0, 7);
    this.text += new TextDecoder().decode(part);
    return part.length;
  }
}

Deno.test("everything that is written comes out, in order, by the time of a flush", async () => {
  const sink = new SlowSink();
  const output = new StreamOutput(sink, { hasColor: false });
  const lines = Array.from({ length: 500 }, (_, n) => `line ${n}\n`);
  for (const line of lines) void output.write(line);
  await output.flush();
  assert.equal(sink.text, lines.join(""));
});

Deno.test("what is written in the very moment in which writing ends comes out too", async () => {
  for (let moments = 0; moments < 20; moments++) {
    const sink = new SlowSink();
    const output = new StreamOutput(sink, { hasColor: false });
    void output.write("first ");
    for (let moment = 0; moment < moments; moment++) await Promise.resolve();
    void output.write("second");
    await output.flush();
    assert.equal(sink.text, "first second", `after ${moments} moments`);
  }
});

Deno.test("a caller that writes more than fits waits for a slow reader", async () => {
  const sink = new SlowSink();
  const output = new StreamOutput(sink, { hasColor: false });
  await output.write("x".repeat(100_000));
  assert.equal(sink.text.length, 100_000);
});

Deno.test("a closed pipe is told once, and to a caller that writes on", async () => {
  const sink = new SlowSink();
  sink.failure = new Deno.errors.BrokenPipe("gone");
  let closed = 0;
  const output = new StreamOutput(sink, { hasColor: false, onClosed: () => closed++ });
  await output.write("x");
  await assert.rejects(output.flush(), ClosedOutputError);
  await assert.rejects(output.write("y"), ClosedOutputError);
  assert.equal(closed, 1);
});

Deno.test("what cannot be written is an error in the system's words, told to the caller that waits for it", async () => {
  const sink = new SlowSink();
  sink.failure = new Error("No space left on device (os error 28)");
  const told: Error[] = [];
  const options = {
    name: "stdout",
    hasColor: false,
    onClosed: (why: Error) => void told.push(why),
  };
  const output = new StreamOutput(sink, options);
  const failure = {
    name: "OutputError",
    message: "cannot write to stdout: No space left on device",
  };
  await output.write("x");
  await assert.rejects(output.flush(), failure);
  // Nobody waits for this one: it must not end the process.
  void output.write("y");
  await assert.rejects(output.write("z"), failure);
  assert.equal(told.length, 1);
});

Deno.test("colours are for terminals, unless NO_COLOR or FORCE_COLOR say otherwise", () => {
  const wants = (env: Record<string, string>, isTerminal: boolean) =>
    wantsColor(new Map(Object.entries(env)), isTerminal);
  assert.deepEqual([wants({}, true), wants({}, false)], [true, false]);
  assert.equal(wants({ NO_COLOR: "1" }, true), false);
  assert.equal(wants({ NO_COLOR: "" }, true), true);
  assert.equal(wants({ FORCE_COLOR: "1" }, false), true);
  assert.equal(wants({ FORCE_COLOR: "0" }, true), false);
  assert.equal(wants({ FORCE_COLOR: "1", NO_COLOR: "1" }, true), false);
  assert.equal(wants({ TERM: "dumb" }, true), false);
});
