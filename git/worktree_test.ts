import assert from "node:assert/strict";
import { join } from "node:path";
import { exists, TestRepository, write } from "./testing/test_repository.ts";

const AUTHOR = { name: "Claude", email: "claude@ourocodus" };
const OPTIONS = {
  message: "fix the rounding\n\nof the tax line",
  author: AUTHOR,
  trailers: { "Ourocodus-Session": "shop", "Ourocodus-Work": "task 1\nSigned-off-by: x" },
};

Deno.test("work in a worktree becomes a commit on its branch, with author and trailers", async () => {
  await using there = await TestRepository.create();
  const worktree = await there.worktree();
  await write(join(worktree.folder, "a.txt"), "one\nmore\n");
  await write(join(worktree.folder, "new/c.txt"), "three\n");
  await Deno.remove(join(worktree.folder, "dir/b.txt"));
  const commit = await worktree.commit(OPTIONS);
  const shown = await there.git(there.root, "log", "-1", "--format=%an <%ae>|%cn|%B", commit);
  assert.equal(
    shown.trim(),
    "Claude <claude@ourocodus>|Ourocodus|fix the rounding\n\nof the tax line\n\n" +
      "Ourocodus-Session: shop\nOurocodus-Work: task 1 Signed-off-by: x",
  );
  assert.equal(await there.git(there.root, "rev-parse", "ourocodus/s/r/1"), commit);
  assert.equal(await there.git(there.root, "rev-parse", `${commit}^`), worktree.base);
  const { files, patch, patchBytes } = await worktree.changes(commit);
  assert.deepEqual(files, [
    { path: "a.txt", status: "modified", added: 1, removed: 0 },
    { path: "dir/b.txt", status: "deleted", added: 0, removed: 1 },
    { path: "new/c.txt", status: "added", added: 1, removed: 0 },
  ]);
  assert.match(patch ?? "", /^diff --git a\/a.txt b\/a.txt\n/);
  assert.equal(patchBytes, patch?.length);
  assert.equal(await there.git(worktree.folder, "status", "--porcelain"), "");
  assert.equal(await there.git(there.root, "status", "--porcelain"), "");
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
  assert.equal(await exists(worktree.folder), false);
  assert.equal(
    await there.git(there.root, "worktree", "list", "--porcelain").then((text) =>
      text.match(/^worktree /gm)?.length
    ),
    1,
  );
});

Deno.test("without any change the commit is the base, and there is no snapshot", async () => {
  await using there = await TestRepository.create();
  const worktree = await there.worktree();
  assert.equal(await worktree.snapshot({ sequence: 1, attempt: 1, n: 1 }), undefined);
  assert.equal(await worktree.commit(OPTIONS), worktree.base);
  assert.deepEqual(await worktree.changes(worktree.base), { files: [], patch: "", patchBytes: 0 });
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
});

Deno.test("snapshots keep what is there, touch no index, and never take a ref that is taken", async () => {
  await using there = await TestRepository.create();
  const repository = await there.open();
  const worktree = await there.worktree(repository);
  const index = join(there.root, ".git/worktrees/t1/index");
  const before = await Deno.readFile(index);
  await write(join(worktree.folder, "a.txt"), "changed\n");
  const first = await worktree.snapshot({ sequence: 1, attempt: 1, n: 1 });
  assert.ok(first);
  assert.equal(await worktree.snapshot({ sequence: 1, attempt: 1, n: 2 }), undefined);
  await write(join(worktree.folder, "d.txt"), "new\n");
  const second = await worktree.snapshot({ sequence: 1, attempt: 1, n: 1 });
  assert.deepEqual(await Deno.readFile(index), before);
  const snapshots = await repository.snapshots(1);
  assert.deepEqual(snapshots.map(({ ref, commit }) => [ref, commit]), [
    ["refs/ourocodus/1/1/1", first],
    ["refs/ourocodus/1/1/2", second],
  ]);
  assert.deepEqual([snapshots[1]?.branch, snapshots[1]?.base], [worktree.branch, worktree.base]);
  assert.match(await repository.patch(worktree.base, second ?? ""), /^\+changed$[^]*^\+new$/m);
  assert.match(await there.git(worktree.folder, "status", "--porcelain"), / M a.txt\n\?\? d.txt/);
  await repository.dropSnapshots(snapshots);
  assert.deepEqual(await repository.snapshots(1), []);
});

Deno.test("a worktree with changes stays, and says which", async () => {
  await using there = await TestRepository.create();
  const worktree = await there.worktree();
  await write(join(worktree.folder, "a.txt"), "changed\n");
  await write(join(worktree.folder, "b.txt"), "new\n");
  assert.deepEqual(await worktree.remove(), {
    kind: "kept",
    why: "a.txt and 1 more have changes that no commit has",
  });
  assert.equal(await exists(worktree.folder), true);
});

Deno.test("ignored files are not committed, and go with the folder", async () => {
  await using there = await TestRepository.create({ ".gitignore": "*.log\nout/\n", "a": "" });
  const worktree = await there.worktree();
  await write(join(worktree.folder, "out/x"), "built\n");
  await write(join(worktree.folder, "y.log"), "said\n");
  assert.equal(await worktree.commit(OPTIONS), worktree.base);
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
});

Deno.test("commits that an agent made itself are parents, wherever it made them", async () => {
  await using there = await TestRepository.create();
  const { git } = there;
  for (
    const [name, steps] of Object.entries({
      "on the branch": [["commit", "-qam", "own"]],
      "on another": [["switch", "-qc", "other"], ["commit", "-qam", "own"]],
      "on none": [["checkout", "-q", "--detach"], ["commit", "-qam", "own"]],
      "amended": [["commit", "-qam", "own"], ["commit", "--amend", "-qm", "again"]],
    })
  ) {
    const worktree = await there.worktree();
    await write(join(worktree.folder, "a.txt"), `${name}\n`);
    for (const step of steps) await git.call(there, worktree.folder, ...step);
    const own = await there.git(worktree.folder, "rev-parse", "HEAD");
    assert.equal(await worktree.commit(OPTIONS), own, name);
    await write(join(worktree.folder, "more"), "more\n");
    const commit = await worktree.commit(OPTIONS);
    assert.equal(await there.git(there.root, "rev-parse", `${commit}^`), own, name);
    assert.equal(await there.git(worktree.folder, "branch", "--show-current"), worktree.branch);
    assert.equal(await there.git(there.root, "rev-parse", worktree.branch), commit);
    assert.deepEqual(await worktree.remove(), { kind: "removed" });
    await there.tryGit(there.root, "branch", "-D", "other");
  }
});

Deno.test("commits that an agent went away from stay reachable", async () => {
  await using there = await TestRepository.create();
  const worktree = await there.worktree();
  await write(join(worktree.folder, "a.txt"), "lost\n");
  await there.git(worktree.folder, "commit", "-qam", "lost");
  const lost = await there.git(worktree.folder, "rev-parse", "HEAD");
  await there.git(worktree.folder, "reset", "-q", "--hard", "HEAD^");
  await write(join(worktree.folder, "staged.txt"), "only staged\n");
  await there.git(worktree.folder, "add", "staged.txt");
  await Deno.remove(join(worktree.folder, "staged.txt"));
  assert.equal(await worktree.commit(OPTIONS), worktree.base);
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
  const refs = await there.git(there.root, "for-each-ref", "--format=%(refname)", "refs/ourocodus");
  assert.ok(refs.includes(`refs/ourocodus/1/kept/${lost}`), refs);
  const all = await there.git(there.root, "log", "--all", "--name-only", "--format=");
  assert.match(all, /^staged.txt$/m);
});

Deno.test("in the middle of a rebase or a merge files are committed, and the folder stays", async () => {
  await using there = await TestRepository.create();
  for (const operation of ["merge", "rebase"]) {
    const worktree = await there.worktree();
    const run = (...args: string[]) => there.tryGit(worktree.folder, ...args);
    await run("switch", "-qc", `theirs-${operation}`);
    await write(join(worktree.folder, "a.txt"), "theirs\n");
    await run("commit", "-qam", "theirs");
    await run("switch", "-q", worktree.branch);
    await write(join(worktree.folder, "a.txt"), "ours\n");
    await run("commit", "-qam", "ours");
    const ours = await there.git(worktree.folder, "rev-parse", "HEAD");
    assert.equal((await run(operation, `theirs-${operation}`)).code, 1);
    const commit = await worktree.commit(OPTIONS);
    assert.match(await there.git(there.root, "show", `${commit}:a.txt`), /<<<<<<</);
    const reachable = await there.git(there.root, "rev-list", "--all");
    assert.ok(reachable.includes(ours));
    assert.deepEqual(await worktree.remove(), {
      kind: "kept",
      why: `a ${operation} is in the middle`,
    });
    await worktree.resetToBase({ sequence: 9, attempt: 1, n: 1 });
    assert.equal(await Deno.readTextFile(join(worktree.folder, "a.txt")), "one\n");
    assert.equal(await there.git(worktree.folder, "status", "--porcelain"), "");
    assert.deepEqual(await worktree.remove(), { kind: "removed" });
  }
});

Deno.test("locks that a killed git of the agent left are no hindrance", async () => {
  await using there = await TestRepository.create();
  const worktree = await there.worktree();
  await write(join(worktree.folder, "a.txt"), "changed\n");
  const gitDir = join(there.root, ".git/worktrees/t1");
  for (const lock of ["HEAD.lock", "index.lock"]) await write(join(gitDir, lock), "");
  await write(join(there.root, ".git/refs/heads", `${worktree.branch}.lock`), "");
  assert.ok(await worktree.snapshot({ sequence: 1, attempt: 1, n: 1 }));
  const commit = await worktree.commit(OPTIONS);
  assert.equal(await there.git(there.root, "rev-parse", worktree.branch), commit);
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
});

Deno.test("back to the base: files, branch and HEAD are as at the beginning, and nothing is lost", async () => {
  await using there = await TestRepository.create({
    ".gitignore": "out/\n",
    "a.txt": "one\n",
    "d/x": "x",
  });
  const repository = await there.open();
  const worktree = await there.worktree(repository);
  await write(join(worktree.folder, "a.txt"), "own\n");
  await there.git(worktree.folder, "commit", "-qam", "own");
  const own = await there.git(worktree.folder, "rev-parse", "HEAD");
  await Deno.remove(join(worktree.folder, "d"), { recursive: true });
  await write(join(worktree.folder, "d"), "a file now\n");
  await write(join(worktree.folder, "new/deep/file"), "new\n");
  await write(join(worktree.folder, "out/built"), "stays\n");
  await worktree.resetToBase({ sequence: 1, attempt: 1, n: 1 });
  assert.equal(await there.git(worktree.folder, "rev-parse", "HEAD"), worktree.base);
  assert.equal(await there.git(worktree.folder, "branch", "--show-current"), worktree.branch);
  assert.equal(await there.git(worktree.folder, "status", "--porcelain"), "");
  assert.deepEqual(
    [await exists(join(worktree.folder, "new")), await exists(join(worktree.folder, "out/built"))],
    [false, true],
  );
  const [snapshot] = await repository.snapshots(1);
  assert.equal(await there.git(there.root, "show", `${snapshot?.commit}:d`), "a file now");
  assert.equal(await there.git(there.root, "rev-parse", `${snapshot?.commit}^`), own);
});

Deno.test("a worktree that is gone, or is a link now, is an error and no other folder", async () => {
  await using there = await TestRepository.create();
  const repository = await there.open();
  const worktree = await there.worktree(repository);
  const options = {
    ...worktree,
    folder: worktree.folder,
    branch: worktree.branch,
    base: worktree.base,
    sequence: 1,
  };
  await (await repository.openWorktree(options)).snapshot({ sequence: 1, attempt: 1, n: 1 });
  await Deno.rename(worktree.folder, `${worktree.folder}-away`);
  const isMissing = { code: "worktree_missing" };
  await assert.rejects(repository.openWorktree(options), isMissing);
  await Deno.symlink(there.root, worktree.folder);
  await assert.rejects(repository.openWorktree(options), isMissing);
  await assert.rejects(worktree.commit(OPTIONS), isMissing);
  await assert.rejects(worktree.remove(), isMissing);
  await Deno.remove(worktree.folder);
  await Deno.mkdir(worktree.folder);
  await Deno.remove(join(there.root, ".git/worktrees"), { recursive: true });
  await assert.rejects(repository.openWorktree(options), isMissing);
  assert.equal(await there.git(there.root, "status", "--porcelain"), "");
});
