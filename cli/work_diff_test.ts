import assert from "node:assert/strict";
import { join } from "node:path";
import { write } from "../git/testing/test_repository.ts";
import { CodingWorkScene } from "./testing/coding_work_scene.ts";
import { MemoryOutput } from "./testing/memory_console.ts";

Deno.test("a result's patch is printed as it is, as a table, as JSON, and coloured", async () => {
  await using there = await CodingWorkScene.create();
  const { patch, commit, worktree } = await there.work("one", {
    "a.txt": "one\nmore\ttab\r\n",
    "bin": new Uint8Array([0, 1, 2, 255]),
    "evil": "\x1b]0;title\x07\u202e\n",
  });
  const raw = await there.cli(["work", "diff", "one"]);
  assert.deepEqual([raw.code, raw.stderr, raw.stdout], [0, "", patch]);
  await write(join(there.repository.folder, "p"), raw.stdout);
  await there.repository.git(there.repository.root, "apply", "--index", "../p");
  assert.equal(
    await there.repository.git(there.repository.root, "write-tree"),
    await there.repository.git(there.repository.root, "rev-parse", `${commit}^{tree}`),
  );
  const stat = await there.cli(["work", "diff", "one", "--stat"]);
  assert.match(
    stat.stdout,
    /^modified +a\.txt +\+1 +-0\nadded +bin +binary\nadded +evil +\+1 +-0\n/,
  );
  assert.match(stat.stdout, /\n3 files, \+2 -0\n$/);
  const { stdout } = await there.cli(["work", "diff", "1", "--sequence", "--json"]);
  const json = JSON.parse(stdout);
  assert.deepEqual(
    [json.from, json.base, json.commit, json.branch, json.patch, json.state, json.files.length],
    ["result", worktree.base, commit, worktree.branch, patch, "done", 3],
  );
  const out = new MemoryOutput({ isTerminal: true, hasColor: true });
  await there.cli(["work", "diff", "one"], { out });
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(out.text.replace(/\x1b\[\d+m/g, ""), /[\x00-\x08\x0b-\x1f\x7f\u202e]/);
  assert.ok(out.text.includes("\x1b[32m+more\ttab\\r\x1b[0m\n"), out.text);
  assert.ok(out.text.includes("\x1b[32m+\\u001b]0;title\\u0007\\u202e\x1b[0m\n"));
  assert.ok(out.text.startsWith("\x1b[1mdiff --git a/a.txt"));
});

Deno.test("an error has a patch too; a patch that is not in the result is found elsewhere", async () => {
  await using there = await CodingWorkScene.create();
  const failed = await there.work("failed", { "a.txt": "half\n" }, { type: "error" });
  assert.equal((await there.cli(["work", "diff", "failed"])).stdout, failed.patch);

  const large = await there.work("large", { "b.txt": "large\n" }, {
    payload: { patch: undefined },
  });
  const elsewhere = await there.cli(["work", "diff", "large"]);
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.stderr, /branch ourocodus\/s\/r\/2, commit [0-9a-f]{12}.*--repo DIR/);
  const repo = ["--repo", there.repository.root];
  assert.equal((await there.cli(["work", "diff", "large", ...repo])).stdout, large.patch);

  const kept = join(there.home, "worktrees/shop-1/patches/s.r.3.patch");
  await write(kept, large.patch);
  const none = "a".repeat(40);
  const inFile = { patch: undefined, commit: none, patch_file: kept };
  await there.work("file", { "c.txt": "c\n" }, { payload: inFile });
  assert.equal((await there.cli(["work", "diff", "file"])).stdout, large.patch);

  await write(join(there.repository.folder, "secret.patch"), "secret\n");
  const link = join(there.home, "worktrees/shop-1/patches/link.patch");
  await Deno.symlink(join(there.repository.folder, "secret.patch"), link);
  for (const [index, path] of [join(there.repository.folder, "secret.patch"), link].entries()) {
    const payload = { ...inFile, patch_file: path };
    await there.work(`outside ${index}`, {}, { payload });
    const refused = await there.cli(["work", "diff", `outside ${index}`]);
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  }
});

Deno.test("while work runs the newest snapshot is shown", async () => {
  await using there = await CodingWorkScene.create();
  const { worktree, sequence } = await there.begin("slow");
  const repo = ["--repo", there.repository.root];
  const before = await there.cli(["work", "diff", "slow", ...repo]);
  assert.equal(before.code, 1);
  assert.match(before.stderr, /no patch of slow: it has no result yet, and no snapshot was found/);
  await write(join(worktree.folder, "a.txt"), "first\n");
  await worktree.snapshot({ sequence, attempt: 1, n: 1 });
  await write(join(worktree.folder, "a.txt"), "second\n");
  await worktree.snapshot({ sequence, attempt: 1, n: 2 });
  const now = await there.cli(["work", "diff", "slow", ...repo]);
  assert.equal(now.code, 0);
  assert.match(now.stdout, /^\+second$/m);
  assert.match(now.stderr, /^slow is running: this is its snapshot of .* ago, attempt 1\n$/);
});

Deno.test("a snapshot of other work with this sequence, of an older queue, is not shown", async () => {
  await using there = await CodingWorkScene.create();
  const { sequence, worktree } = await there.begin("slow");
  const { root, folder } = there.repository;
  const lines = [
    `tree ${await there.repository.git(root, "rev-parse", "HEAD^{tree}")}`,
    "author A <a@b> 1700000000 +0000",
    "committer A <a@b> 1700000000 +0000",
    `\nSnapshot\n\nOurocodus-Branch: ${worktree.branch}\nOurocodus-Base: ${worktree.base}\n`,
  ];
  await write(join(folder, "commit"), lines.join("\n"));
  const args = ["hash-object", "-t", "commit", "-w", join(folder, "commit")];
  const commit = await there.repository.git(root, ...args);
  await there.repository.git(root, "update-ref", `refs/ourocodus/${sequence}/1/1`, commit);
  const { code, stderr } = await there.cli(["work", "diff", "slow", "--repo", root]);
  assert.equal(code, 1);
  assert.match(stderr, /no snapshot was found/);
});

Deno.test("work without changes, without a patch, or unknown ends with 1 and says so", async () => {
  await using there = await CodingWorkScene.create();
  await there.work("nothing", {});
  assert.match((await there.cli(["work", "diff", "nothing"])).stderr, /nothing was changed\n$/);
  const payload = { patch: 7, commit: "--help", base: [], branch: "x", patch_file: {} };
  await there.work("odd", {}, { payload: payload as Record<string, unknown> });
  const odd = await there.cli(["work", "diff", "odd"]);
  assert.deepEqual([odd.code, odd.stderr], [
    1,
    "error: no patch of odd: its result has no patch\n",
  ]);
  assert.equal((await there.cli(["work", "diff", "unknown"])).code, 1);
  assert.equal((await there.cli(["work", "diff"])).code, 2);
});
