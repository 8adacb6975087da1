import assert from "node:assert/strict";
import { join } from "node:path";
import {
  listRecords,
  readRecord,
  recordPath,
  removeRecord,
  type WorkRecord,
  writeRecord,
} from "./mod.ts";

const RECORD: WorkRecord = {
  version: 1,
  key: "17.1764444000000",
  sequence: 17,
  id: "task-17",
  session: "shop",
  role: "coder",
  agent: "coder-1",
  preset: "claude",
  host: "here",
  repo: "/code/shop",
  folder: "/home/worktrees/trees/ab12",
  branch: "ourocodus/shop/coder/17",
  base: "a".repeat(40),
  marks: ["m"],
  attempt: 1,
  snapshots: 0,
  state: "running",
  created_at: "2026-11-29T19:00:00.000Z",
  updated_at: "2026-11-29T19:00:00.000Z",
};

Deno.test("a record is written for its owner alone, replaced, listed and removed", async () => {
  const worktrees = await Deno.makeTempDir();
  try {
    assert.deepEqual(await listRecords(worktrees), { records: [], problems: [] });
    await writeRecord(worktrees, RECORD);
    await writeRecord(worktrees, { ...RECORD, state: "done" });
    const path = recordPath(worktrees, RECORD);
    assert.equal(path, join(worktrees, "records/shop.coder.17.1764444000000.json"));
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    assert.equal((await readRecord(path))?.state, "done");
    const older = { ...RECORD, key: "3.1", sequence: 3, created_at: "2026-11-28T19:00:00.000Z" };
    await writeRecord(worktrees, older);
    const { records } = await listRecords(worktrees);
    assert.deepEqual(records.map(({ sequence }) => sequence), [3, 17]);
    await removeRecord(worktrees, RECORD);
    await removeRecord(worktrees, RECORD);
    assert.equal(await readRecord(path), undefined);
  } finally {
    await Deno.remove(worktrees, { recursive: true });
  }
});

Deno.test("a file that is no record is told, and the others are there", async () => {
  const worktrees = await Deno.makeTempDir();
  try {
    await writeRecord(worktrees, RECORD);
    const broken = {
      "half.json": '{"version":1,',
      "other.json": "[]",
      "later.json": JSON.stringify({ ...RECORD, version: 2 }),
      "session.json": JSON.stringify({ ...RECORD, session: "../x" }),
      "base.json": JSON.stringify({ ...RECORD, base: "--flag" }),
    };
    for (const [name, text] of Object.entries(broken)) {
      await Deno.writeTextFile(join(worktrees, "records", name), text);
    }
    await Deno.writeTextFile(join(worktrees, "records", "x.tmp"), "half");
    const { records, problems } = await listRecords(worktrees);
    assert.equal(records.length, 1);
    assert.equal(problems.length, Object.keys(broken).length);
    assert.match(problems.find(({ path }) => path.endsWith("session.json"))?.why ?? "", /session/);
  } finally {
    await Deno.remove(worktrees, { recursive: true });
  }
});

Deno.test("a key that cannot stand in a file's name is replaced, each by another", () => {
  const names = ["../../etc/x", "a/b", "", "x".repeat(300), ".", ".."].map((key) =>
    recordPath("/w", { ...RECORD, key })
  );
  for (const name of names) assert.match(name, /^\/w\/records\/shop\.coder\.[0-9a-f]{32}\.json$/);
  assert.equal(new Set(names).size, names.length);
});
