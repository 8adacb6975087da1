import assert from "node:assert/strict";
import { FakeClock } from "../../testing/fake_clock.ts";
import { Transcript } from "./transcript.ts";

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function open(path: string, maxBytes?: number) {
  const notices: string[] = [];
  const clock = new FakeClock();
  const ended = (notice: string) => void notices.push(notice);
  return { notices, clock, transcript: new Transcript({ path, clock, ended, maxBytes }) };
}

Deno.test("a transcript keeps each line in order, a later attempt's after the earlier's", () =>
  withFolder(async (folder) => {
    const path = `${folder}/deep/1.ndjson`;
    const { transcript, clock, notices } = open(path);
    transcript.write("prompt", "hello\nyou");
    await clock.advance(250);
    for (let at = 0; at < 2_000; at++) transcript.write("update", { at, text: "é" });
    await transcript.close();
    transcript.write("update", "too late");
    const second = open(path);
    second.transcript.write("prompt", "again");
    await second.transcript.close();
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    assert.equal(lines.length, 2_002);
    assert.deepEqual(lines[0], { at_ms: 0, type: "prompt", value: "hello\nyou" });
    assert.deepEqual(lines[2_000], { at_ms: 250, type: "update", value: { at: 1_999, text: "é" } });
    assert.deepEqual(lines[2_001], { at_ms: 0, type: "prompt", value: "again" });
    assert.deepEqual([...notices, ...second.notices], []);
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o077, 0);
  }));

Deno.test("a transcript that reaches its limit ends with a whole line, and says so once", () =>
  withFolder(async (folder) => {
    const path = `${folder}/1.ndjson`;
    const { transcript, notices } = open(path, 1_000);
    transcript.write("update", "x".repeat(300));
    await transcript.close();
    assert.deepEqual(notices, []);
    const again = open(path, 500);
    again.transcript.write("update", "x".repeat(300));
    await again.transcript.close();
    again.transcript.write("update", "x");
    assert.equal(again.notices.length, 1);
    assert.match(again.notices[0] ?? "", /is not whole: it has \d+ bytes, limit is 500$/);
    assert.ok((await Deno.stat(path)).size <= 500);
    for (const line of (await Deno.readTextFile(path)).trimEnd().split("\n")) JSON.parse(line);
  }));

Deno.test("a disk that fails ends the transcript, not the work", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const { transcript, notices } = open(`${folder}/file/1.ndjson`);
    transcript.write("update", 1);
    transcript.write("update", 2);
    await transcript.close();
    transcript.write("update", 3);
    await transcript.close();
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? "", /^The transcript ".*\/file\/1.ndjson" is not whole: /);
  }));

Deno.test("a value without a JSON form, or too much at once, ends the transcript", () =>
  withFolder(async (folder) => {
    const circle = open(`${folder}/1.ndjson`);
    const value: { self?: unknown } = {};
    value.self = value;
    circle.transcript.write("update", value);
    await circle.transcript.close();
    assert.match(circle.notices[0] ?? "", /a line has no JSON form/);
    const flood = open(`${folder}/2.ndjson`);
    for (let at = 0; at < 100; at++) flood.transcript.write("update", "x".repeat(1_000_000));
    await flood.transcript.close();
    assert.match(flood.notices[0] ?? "", /the disk is too slow$/);
  }));
