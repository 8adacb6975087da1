import assert from "node:assert/strict";
import {
  recordName,
  recordPath,
  type WorkRecord,
  type Worktree,
  writeRecord,
} from "@ourocodus/git";
import { join } from "node:path";
import { ENV, exists, TestRepository, write } from "../git/testing/test_repository.ts";
import { cli } from "./testing/memory_console.ts";

const OLD = "2026-01-01T00:00:00.000Z";

async function scene() {
  const repository = await TestRepository.create();
  const home = join(repository.folder, "home");
  const worktrees = join(home, "worktrees/shop-1");
  const made = {
    repository,
    worktrees,
    run: (...args: string[]) =>
      cli(["worktree", ...args], { env: { ...ENV, OUROCODUS_HOME: home } }),
    /** Makes a worktree with its record. */
    add: async (state: WorkRecord["state"], change: Partial<WorkRecord> = {}) => {
      const worktree = await repository.worktree();
      const sequence = Number(worktree.branch.split("/")[3]);
      const record: WorkRecord = {
        version: 1,
        key: `${sequence}.1`,
        sequence,
        id: `task-${sequence}`,
        session: "s",
        role: "r",
        agent: "a",
        preset: "claude",
        host: "here",
        repo: repository.root,
        folder: worktree.folder,
        branch: worktree.branch,
        base: worktree.base,
        marks: [],
        attempt: 1,
        snapshots: 0,
        state,
        created_at: OLD,
        updated_at: OLD,
        ...change,
      };
      await writeRecord(worktrees, record);
      return { worktree, record };
    },
    commit: async (worktree: Worktree) => {
      const author = { name: "A", email: "a@b" };
      return await worktree.commit({ message: "m", author, trailers: {} });
    },
    [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose](),
  };
  return made;
}

Deno.test("worktree list has a row each, with what no commit has", async () => {
  await using there = await scene();
  assert.deepEqual(await there.run("list"), { code: 0, stdout: "No worktrees\n", stderr: "" });
  const { worktree, record } = await there.add("running");
  await write(join(worktree.folder, "a.txt"), "changed\n");
  const gone = await there.add("failed");
  await Deno.remove(gone.worktree.folder, { recursive: true });
  await write(join(there.worktrees, "records/broken.json"), "{");
  const { code, stdout, stderr } = await there.run("list");
  assert.equal(code, 0);
  assert.match(stderr, /^warning: .*broken\.json is left out: It is no JSON/);
  const [head, ...rows] = stdout.trim().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(head, [
    "SEQUENCE",
    "WORK",
    "STATE",
    "AGE",
    "SIZE",
    "BRANCH",
    "FOLDER",
    "CHANGES",
  ]);
  const [first, second] = rows;
  assert.deepEqual([first?.[0], first?.[1], first?.[2]], ["1", "s/r", "running"]);
  assert.equal(first?.[7], "a.txt has changes that no commit has");
  assert.deepEqual([second?.[2], second?.[4]], ["failed", "gone"]);
  const json = (await there.run("list", "--json", "--worktrees", there.worktrees)).stdout;
  const [one] = json.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([one.folder, one.branch, one.state], [record.folder, record.branch, "running"]);
  await using other = await TestRepository.create();
  assert.equal((await there.run("list", "--repo", other.root)).stdout, "No worktrees\n");
});

Deno.test("worktree prune removes what is done and committed, and says what stays and why", async () => {
  await using there = await scene();
  const done = await there.add("done");
  await write(join(done.worktree.folder, "a.txt"), "done\n");
  const commit = await there.commit(done.worktree);
  const dirty = await there.add("done");
  await write(join(dirty.worktree.folder, "notes"), "not committed\n");
  const now = new Date().toISOString();
  const running = await there.add("running", { updated_at: now });
  const interrupted = await there.add("interrupted", { updated_at: now });
  const failed = await there.add("failed");
  const recent = await there.add("done", { updated_at: now });
  const all = [done, dirty, running, interrupted, failed, recent];
  const left = async () =>
    await Promise.all(all.map(async ({ record }) => await exists(record.folder)));

  const dry = await there.run("prune", "--dry-run");
  assert.match(dry.stdout, /^would be removed {2}.*t1 \(s\/r\/1\)\n/);
  assert.deepEqual(await left(), [true, true, true, true, true, true]);

  const { code, stdout, stderr } = await there.run("prune");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(await left(), [false, true, true, true, true, true]);
  assert.match(stdout, /^removed {2}.*t1 /);
  assert.match(stdout, /kept .*t2 .*: notes has changes that no commit has\n/);
  assert.match(stdout, /kept .*t3 .*: its work is running\n/);
  assert.match(stdout, /kept .*t4 .*: its work was interrupted/);
  assert.match(stdout, /kept .*t5 .*: its work has failed; --failed removes it\n/);
  assert.match(stdout, /kept .*t6 .*: its work has only just ended\n/);
  assert.equal(await exists(recordPath(there.worktrees, done.record)), false);
  assert.equal(
    await there.repository.git(there.repository.root, "rev-parse", done.worktree.branch),
    commit,
  );

  const young = await there.run("prune", "--failed", "--older", "3650d");
  assert.match(young.stdout, /kept .*t5 .*: its work ended .* ago\n/);
  await there.run("prune", "--failed");
  assert.deepEqual(await left(), [false, true, true, true, false, true]);
  assert.equal((await there.run("prune", "--older", "x")).code, 2);
});

Deno.test("worktree prune drops old snapshots, but not of work that has its worktree", async () => {
  await using there = await scene();
  const done = await there.add("done");
  const failed = await there.add("failed");
  for (const [sequence, { worktree }] of [[1, done], [2, failed]] as const) {
    await write(join(worktree.folder, "a.txt"), `${sequence}\n`);
    await worktree.snapshot({ sequence, attempt: 1, n: 1 });
  }
  await there.commit(done.worktree);
  const refs = async () =>
    await there.repository.git(
      there.repository.root,
      "for-each-ref",
      "--format=%(refname)",
      "refs/ourocodus",
    );
  await there.run("prune");
  assert.equal(await refs(), "refs/ourocodus/1/1/1\nrefs/ourocodus/2/1/1");
  // Snapshots' times are in whole seconds.
  const args = ["prune", "--refs", "1ms", "--repo", there.repository.root];
  const { stdout } = await there.run(...args);
  assert.match(stdout, /removed {2}1 snapshot of .*shop older than 1ms\n/);
  assert.equal(await refs(), "refs/ourocodus/2/1/1");
});

Deno.test("worktree prune removes what is kept of work that has no worktree any more", async () => {
  await using there = await scene();
  const done = await there.add("done");
  const failed = await there.add("failed");
  const [gone, kept] = [done, failed].map(({ record }) => recordName(record));
  const files = [`answers/${gone}.json`, `patches/${gone}.patch`, `transcripts/${gone}.ndjson`];
  const others = [`patches/${kept}.patch`, `records/${gone}.json.1a2b3c4d.tmp`];
  for (const name of [...files, ...others]) await write(join(there.worktrees, name), "x");
  const old = new Date(OLD);
  const age = (name: string) => Deno.utime(join(there.worktrees, name), old, old);
  for (const name of [files[1], ...others]) await age(name ?? "");
  const left = async () =>
    await Promise.all(
      [...files, ...others].map(async (name) => await exists(join(there.worktrees, name))),
    );
  const cwd = await there.add("done", { repo: undefined, branch: undefined, base: undefined });
  const dry = await there.run("prune", "--dry-run");
  assert.match(dry.stdout, /would be removed {2}2 files in .*shop-1 older than 14d\n/);
  assert.deepEqual(await left(), [true, true, true, true, true]);
  await there.run("prune");
  assert.deepEqual(await left(), [false, false, true, true, false]);
  assert.equal(await exists(recordPath(there.worktrees, cwd.record)), false);
  assert.equal(await exists(cwd.record.folder), true);
});

Deno.test("worktree prune --failed removes those of abandoned work", async () => {
  await using there = await scene();
  const old = await there.add("running");
  const lately = await there.add("interrupted", { updated_at: new Date().toISOString() });
  const { stdout } = await there.run("prune");
  assert.match(
    stdout,
    /kept .*t1 .*: its work is unfinished and unchanged for .*; --failed removes it\n/,
  );
  await there.run("prune", "--failed");
  assert.deepEqual(
    [await exists(old.record.folder), await exists(lately.record.folder)],
    [false, true],
  );
});

Deno.test("list and prune agree that done work whose folder is gone has no worktree", async () => {
  await using there = await scene();
  const old = await there.add("done");
  const young = await there.add("done", { updated_at: new Date().toISOString() });
  for (const { worktree } of [old, young]) await Deno.remove(worktree.folder, { recursive: true });
  assert.equal((await there.run("list")).stdout, "No worktrees\n");
  const oldRecord = /^would be removed {2}1 file in .*shop-1 older than 14d\nNo worktrees\n$/;
  assert.match((await there.run("prune", "--dry-run")).stdout, oldRecord);
  await there.run("prune");
  assert.equal((await there.run("prune")).stdout, "No worktrees\n");
  const records = [old, young].map(({ record }) => exists(recordPath(there.worktrees, record)));
  assert.deepEqual(await Promise.all(records), [false, true]);
});

Deno.test("a record whose folder or repository is not there does no harm", async () => {
  await using there = await scene();
  const gone = await there.add("failed");
  await Deno.remove(gone.worktree.folder, { recursive: true });
  const elsewhere = await there.add("done", { repo: "/nonexistent/repo" });
  const foreign = await there.add("done", { folder: there.repository.root });
  const { code, stdout } = await there.run("prune", "--failed");
  assert.equal(code, 0);
  assert.match(stdout, /removed {2}.*t1 /);
  assert.match(stdout, /kept .*t2 .*: Cannot use the repository \/nonexistent\/repo/);
  assert.match(stdout, /kept .*shop .*: Cannot use the worktree/);
  assert.equal(await exists(join(foreign.record.folder, "a.txt")), true);
  assert.equal(await exists(elsewhere.record.folder), true);
});
