import assert from "node:assert/strict";
import { join } from "node:path";
import { exists, write } from "../git/testing/test_repository.ts";
import { CodingWorkScene } from "./testing/coding_work_scene.ts";

const LINES = Array.from({ length: 20 }, (_, index) => `line ${index}\n`);
const TEXT = LINES.join("");

Deno.test("work is applied and staged, and a second time it is there already", async () => {
  await using there = await CodingWorkScene.create({ "a.txt": TEXT, "b.txt": "b\n" });
  const { commit } = await there.work("fix", {
    "a.txt": TEXT.replace("line 3", "fixed"),
    "new file": "new\n",
  });
  const { root, git } = there.repository;
  const apply = () => there.cli(["work", "apply", "fix", "--repo", join(root)]);
  // Own changes elsewhere are no hindrance, and stay.
  await write(join(root, "b.txt"), "mine\n");
  const applied = await apply();
  assert.equal(applied.code, 0, applied.stderr);
  assert.match(applied.stdout, /^modified +a\.txt +\+1 +-1\nadded +new file +\+1/);
  assert.match(applied.stdout, /staged; not committed yet:\n {2}git commit -m 'Work of fix'\n$/);
  assert.equal(
    await git.call(there.repository, root, "status", "--porcelain"),
    'M  a.txt\n M b.txt\nA  "new file"',
  );
  const again = await apply();
  assert.deepEqual([again.code, again.stdout], [0, `${root} has the changes of fix already\n`]);
  await git.call(there.repository, root, "commit", "-qm", "theirs");
  assert.match((await apply()).stdout, /already/);
  await git.call(there.repository, root, "reset", "-q", "--hard", "HEAD^");
  await git.call(there.repository, root, "merge", "-q", commit);
  await write(join(root, "a.txt"), "something else since\n");
  assert.match((await apply()).stdout, /already/);
});

Deno.test("files with changes that are not committed are named, and not touched", async () => {
  await using there = await CodingWorkScene.create({ "a.txt": TEXT, ".gitignore": "*.log\n" });
  await there.work("fix", { "a.txt": "theirs\n", "new": "new\n", "sub/x": "x\n" });
  const { root } = there.repository;
  await write(join(root, "a.txt"), "mine\n");
  await write(join(root, "new"), "mine, too\n");
  const { code, stderr } = await there.cli(["work", "apply", "fix", "--repo", root]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /uncommitted changes in files that it changes; nothing was changed\n {2}a\.txt\n {2}new\nCommit or stash/,
  );
  assert.equal(await Deno.readTextFile(join(root, "a.txt")), "mine\n");
  assert.equal(await Deno.readTextFile(join(root, "new")), "mine, too\n");
  assert.equal(await exists(join(root, "sub")), false);
});

Deno.test("changes elsewhere in a file are merged; in the same lines it says what to do", async () => {
  await using there = await CodingWorkScene.create({ "a.txt": TEXT, "c.txt": "c\n" });
  await there.work("fix", { "a.txt": TEXT.replace("line 3", "fixed"), "new": "new\n" });
  const { root, git } = there.repository;
  const apply = () => there.cli(["work", "apply", "fix", "--repo", root]);
  const commit = async (text: string) => {
    await write(join(root, "a.txt"), text);
    await git.call(there.repository, root, "commit", "-qam", "mine");
  };
  await commit(TEXT.replace("line 5", "mine"));
  const merged = await apply();
  assert.equal(merged.code, 0, merged.stderr);
  assert.match(await Deno.readTextFile(join(root, "a.txt")), /fixed\nline 4\nmine\n/);
  await git.call(there.repository, root, "reset", "-q", "--hard");
  await commit(TEXT.replace("line 3", "mine"));
  const conflict = await apply();
  assert.equal(conflict.code, 1);
  assert.match(conflict.stderr, /^error: fix conflicts .*\n {2}a\.txt\nResolve/);
  assert.match(conflict.stderr, /\n {2}git add -- a\.txt\n/);
  assert.match(await Deno.readTextFile(join(root, "a.txt")), /<<<<<<<[^]*mine[^]*fixed/);
  // What it says takes everything back.
  const [, restore = ""] = /\n {2}(git restore .*)\n/.exec(conflict.stderr) ?? [];
  await git.call(there.repository, root, ...restore.split(" ").slice(1));
  assert.equal(await git.call(there.repository, root, "status", "--porcelain"), "");
});

Deno.test("a patch that cannot be applied at all changes nothing, and says what else to try", async () => {
  await using there = await CodingWorkScene.create();
  const patch = [
    "diff --git a/none.txt b/none.txt",
    "--- a/none.txt",
    "+++ b/none.txt",
    "@@ -1 +1 @@",
    "-a",
    "+b",
    "",
  ].join("\n");
  await there.work("other", {}, { payload: { patch, commit: "b".repeat(40) } });
  const { root, git, folder } = there.repository;
  const impossible = await there.cli(["work", "apply", "other", "--repo", root]);
  assert.equal(impossible.code, 1);
  assert.match(impossible.stderr, /nothing was changed: .*none\.txt/);
  assert.match(
    impossible.stderr,
    /git merge ourocodus\/s\/r\/1\n.*\n {2}ourocodus work diff other \| git apply --reject\n$/,
  );
  const outside = patch.replaceAll("none.txt", "../evil").replace(
    "@@ -1 +1 @@\n-a",
    "@@ -0,0 +1 @@",
  )
    .replace("--- a/../evil", "new file mode 100644\n--- /dev/null");
  await there.work("evil", {}, { payload: { patch: outside, commit: "b".repeat(40) } });
  assert.equal((await there.cli(["work", "apply", "evil", "--repo", root])).code, 1);
  assert.equal(await exists(join(folder, "evil")), false);
  await there.work("garbage", {}, {
    payload: { patch: "no patch at all", commit: "b".repeat(40) },
  });
  assert.equal((await there.cli(["work", "apply", "garbage", "--repo", root])).code, 1);
  assert.equal(await git.call(there.repository, root, "status", "--porcelain"), "");
});

Deno.test("no checkout, and no result yet, are told with the next step", async () => {
  await using there = await CodingWorkScene.create();
  const none = await there.cli(["work", "apply", "x", "--repo", there.repository.folder]);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /not a git repository.*--repo/);
  await there.begin("slow");
  const early = await there.cli(["work", "apply", "slow", "--repo", there.repository.root]);
  assert.deepEqual([early.code, early.stdout], [1, ""]);
  assert.match(early.stderr, /slow has no result yet; "ourocodus work diff slow"/);
});
