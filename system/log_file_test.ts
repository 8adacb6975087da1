import assert from "node:assert/strict";
import { until } from "../tests/support/mod.ts";
import { addLogEntry, boundLog, followLog, lastLines, sizeOf } from "./log_file.ts";

async function withLog(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-log-" });
  try {
    await run(`${folder}/some.log`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the last lines of a log are read, from a place on if wanted", async () => {
  await withLog(async (path) => {
    assert.deepEqual(await lastLines(path, 3), []);
    await Deno.writeTextFile(path, "one\ntwo\nthree\nfour");
    assert.deepEqual(await lastLines(path, 2), ["three", "four"]);
    assert.deepEqual(await lastLines(path, 9, { from: 8 }), ["three", "four"]);
    assert.deepEqual(await lastLines(path, 0), []);
  });
});

Deno.test("the end of a large log is read without its beginning", async () => {
  await withLog(async (path) => {
    await Deno.writeTextFile(path, `${"x".repeat(100)}\n`.repeat(20_000) + "end\n");
    const lines = await lastLines(path, 100_000);
    assert(lines.length < 20_000);
    assert(lines.slice(0, -1).every((line) => line === "x".repeat(100)));
    assert.equal(lines.at(-1), "end");
  });
});

Deno.test("a log is followed by whole lines, also when it is put aside", async () => {
  await withLog(async (path) => {
    await Deno.writeTextFile(path, "before\n");
    const ending = new AbortController();
    const lines: string[] = [];
    const following = (async () => {
      const from = await sizeOf(path);
      for await (const line of followLog(path, from, ending.signal)) lines.push(line);
    })();
    const add = (text: string) => Deno.writeTextFile(path, text, { append: true });
    await add("grö");
    await add("ßer\n");
    await until(() => lines.length === 1);
    await boundLog(path, 5);
    assert.equal(await sizeOf(path), 0);
    assert.equal(await Deno.readTextFile(`${path}.1`), "before\ngrößer\n");
    await add("a\n");
    await until(() => lines.length === 2);
    await add("last\n");
    ending.abort();
    await following;
    assert.deepEqual(lines, ["größer", "a", "last"]);
  });
});

Deno.test("an entry that cannot be written ends nobody", () => {
  addLogEntry("/no/such/folder/some.log", "x");
});
