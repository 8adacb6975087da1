import assert from "node:assert/strict";
import { join } from "node:path";
import { exists, TestRepository, write } from "./testing/test_repository.ts";

const COMMIT = { message: "m", author: { name: "<>", email: "" }, trailers: {} };

Deno.test("nothing that an agent configured or attributed is run", async () => {
  await using there = await TestRepository.create({
    ".gitattributes": "*.bin filter=e diff=e\n",
    "a.txt": "one\n",
    "x.bin": "x\n",
  });
  const marker = join(there.folder, "was-run");
  const program = join(there.folder, "evil");
  await write(program, `#!/bin/sh\necho "$0 $*" >> ${marker}\ncat\n`);
  await Deno.chmod(program, 0o755);
  for (
    const name of ["reference-transaction", "post-checkout", "post-index-change", "pre-commit"]
  ) {
    await Deno.copyFile(program, join(there.root, ".git/hooks", name));
  }
  const settings = {
    "filter.e.clean": program,
    "filter.e.smudge": program,
    "filter.e.required": "true",
    "filter.p.process": program,
    "diff.e.textconv": program,
    "diff.e.command": program,
    "diff.external": program,
    "core.fsmonitor": program,
    "gpg.program": program,
    "commit.gpgSign": "true",
    "core.pager": program,
    "core.hooksPath": join(there.root, ".git/hooks"),
  };
  for (const [key, value] of Object.entries(settings)) {
    await there.git(there.root, "config", key, value);
  }
  await Deno.remove(marker).catch(() => {});
  const repository = await there.open();
  const worktree = await there.worktree(repository);
  await write(join(worktree.folder, ".gitattributes"), "*.txt filter=e diff=e\n*.p filter=p\n");
  await write(join(worktree.folder, "a.txt"), "changed\n");
  await write(join(worktree.folder, "b.p"), "p\n");
  await worktree.snapshot({ sequence: 1, attempt: 1, n: 1 });
  const commit = await worktree.commit(COMMIT);
  const { files } = await worktree.changes(commit);
  assert.equal(files.length, 3);
  await write(join(worktree.folder, "a.txt"), "again\n");
  await worktree.resetToBase({ sequence: 1, attempt: 1, n: 2 });
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
  assert.equal(await exists(marker), false, await Deno.readTextFile(marker).catch(() => ""));
});

Deno.test("a filter that an agent adds while it works is not run either", async () => {
  await using there = await TestRepository.create({ "a.txt": "one\n" });
  const marker = join(there.folder, "was-run");
  const worktree = await there.worktree(await there.open());
  await there.git(worktree.folder, "config", "extensions.worktreeConfig", "true");
  const filters = [["e", "--local"], ["w", "--worktree"]] as const;
  for (const [name, where] of filters) {
    for (const kind of ["clean", "smudge"]) {
      const program = `touch ${marker}; cat`;
      await there.git(worktree.folder, "config", where, `filter.${name}.${kind}`, program);
    }
  }
  await write(join(worktree.folder, ".gitattributes"), "*.txt filter=e\n*.bin filter=w\n");
  await write(join(worktree.folder, "a.txt"), "two\n");
  await write(join(worktree.folder, "b.bin"), "two\n");
  await worktree.commit(COMMIT);
  await worktree.resetToBase({ sequence: 1, attempt: 1, n: 1 });
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
  assert.equal(await exists(marker), false);
});

Deno.test("a .git that was replaced or taken away leads nowhere else", async () => {
  await using there = await TestRepository.create();
  const other = await TestRepository.create({ "other.txt": "other\n" });
  await using _other = other;
  const otherHead = await other.git(other.root, "rev-parse", "HEAD");
  const replace: Record<string, (path: string) => Promise<void>> = {
    gone: async (path) => await Deno.remove(path),
    elsewhere: async (path) => await Deno.writeTextFile(path, `gitdir: ${other.root}/.git\n`),
    main: async (path) => await Deno.writeTextFile(path, `gitdir: ${there.root}/.git\n`),
    link: async (path) => {
      await Deno.remove(path);
      await Deno.symlink(join(other.root, ".git"), path);
    },
  };
  for (const [name, change] of Object.entries(replace)) {
    const worktree = await there.worktree();
    await change(join(worktree.folder, ".git"));
    await write(join(worktree.folder, "a.txt"), `${name}\n`);
    const commit = await worktree.commit(COMMIT);
    assert.equal(await there.git(there.root, "show", `${commit}:a.txt`), name);
    const removal = await worktree.remove();
    assert.equal(removal.kind, name === "link" ? "kept" : "removed", name);
  }
  assert.equal(await other.git(other.root, "rev-parse", "HEAD"), otherHead);
  assert.equal(await other.git(other.root, "status", "--porcelain"), "");
  assert.equal(await there.git(there.root, "status", "--porcelain"), "");
});

Deno.test("a repository in the folder is not committed, and keeps the folder", async () => {
  await using there = await TestRepository.create();
  const make: Record<string, (folder: string) => Promise<void>> = {
    "new with a commit": async (folder) => {
      await write(join(folder, "sub/x"), "x\n");
      await there.git(join(folder, "sub"), "init", "-q");
      await there.git(join(folder, "sub"), "add", "-A");
      await there.git(join(folder, "sub"), "commit", "-qm", "x");
    },
    "new without a commit": async (folder) => {
      await write(join(folder, "sub/x"), "x\n");
      await there.git(join(folder, "sub"), "init", "-q");
    },
    "in a tracked folder": async (folder) => {
      await there.git(join(folder, "dir"), "init", "-q");
      await there.git(join(folder, "dir"), "commit", "-qm", "x", "--allow-empty");
    },
    "in place of the worktree": async (folder) => {
      await Deno.remove(join(folder, ".git"));
      await there.git(folder, "init", "-q");
      await there.git(folder, "commit", "-qm", "x", "--allow-empty");
    },
  };
  for (const [name, change] of Object.entries(make)) {
    const worktree = await there.worktree();
    await change(worktree.folder);
    await write(join(worktree.folder, "a.txt"), `${name}\n`);
    assert.ok(await worktree.snapshot({ sequence: 1, attempt: 1, n: 1 }), name);
    const commit = await worktree.commit(COMMIT);
    const { files } = await worktree.changes(commit);
    assert.deepEqual(files.map(({ path }) => path), ["a.txt"], name);
    if (name.startsWith("new")) assert.match(worktree.left[0]?.path ?? "", /^sub/, name);
    const removal = await worktree.remove();
    assert.equal(removal.kind, "kept", name);
    assert.match(removal.kind === "kept" ? removal.why : "", /repository/, name);
  }
});

Deno.test("git in a submodule is never run, and its commit is what it is now", async () => {
  await using there = await TestRepository.create();
  await using library = await TestRepository.create({ "lib.txt": "lib\n" });
  await there.git(there.root, "submodule", "--quiet", "add", library.root, "lib");
  await there.git(there.root, "commit", "-qm", "lib");
  const untouched = await there.worktree();
  await write(join(untouched.folder, "a.txt"), "changed\n");
  const first = await untouched.changes(await untouched.commit(COMMIT));
  assert.deepEqual(first.files.map(({ path }) => path), ["a.txt"]);
  assert.equal(await there.git(untouched.folder, "status", "--porcelain"), "");
  assert.deepEqual(await untouched.remove(), { kind: "removed" });

  const worktree = await there.worktree();
  await there.git(worktree.folder, "submodule", "--quiet", "update", "--init");
  const inside = join(worktree.folder, "lib");
  const marker = join(there.folder, "was-run");
  await write(join(inside, ".gitattributes"), "* filter=e\n");
  await there.git(inside, "config", "filter.e.clean", `touch ${marker}; cat`);
  await there.git(inside, "config", "core.fsmonitor", `touch ${marker}; true`);
  await write(join(inside, "lib.txt"), "LIB\n");
  await write(join(worktree.folder, "a.txt"), "changed\n");
  assert.ok(await worktree.snapshot({ sequence: 2, attempt: 1, n: 1 }));
  await write(join(worktree.folder, "a.txt"), "again\n");
  const same = await worktree.changes(await worktree.commit(COMMIT));
  assert.deepEqual(same.files.map(({ path }) => path), ["a.txt"]);
  assert.equal(await exists(marker), false);
  await there.git(inside, "config", "--unset", "filter.e.clean");
  await there.git(inside, "config", "--unset", "core.fsmonitor");
  await there.git(inside, "commit", "-qam", "changed");
  const changed = await worktree.changes(await worktree.commit(COMMIT));
  assert.deepEqual(changed.files.map(({ path }) => path), ["a.txt", "lib"]);
  assert.deepEqual(worktree.left, []);
  assert.equal((await worktree.remove()).kind, "kept");
  await Deno.remove(inside, { recursive: true });
  const gone = await worktree.changes(await worktree.commit(COMMIT));
  assert.deepEqual(gone.files.map(({ path, status }) => `${path} ${status}`), [
    "a.txt modified",
    "lib deleted",
  ]);
  await worktree.resetToBase({ sequence: 2, attempt: 1, n: 2 });
  assert.equal(await there.git(worktree.folder, "status", "--porcelain"), "");
});

Deno.test("names and contents of any bytes, links and large files go through patch and commit", async () => {
  await using there = await TestRepository.create({ "keep": "k\n", "latin": "x\n" });
  const worktree = await there.worktree();
  const { folder } = worktree;
  await write(join(folder, 'new\nline "quoted"\t\\.txt'), "odd\n");
  await write(join(folder, "-rf"), "flag\n");
  await write(join(folder, ":(top)magic*"), "magic\n");
  await write(join(folder, "Grüße 日本"), "unicode\n");
  await write(join(folder, "latin"), new Uint8Array([0x78, 0xe9, 0x0a]));
  await write(join(folder, "bin"), new Uint8Array(300_000).map((_, index) => index * 7));
  await write(join(folder, "crlf"), "a\r\nb\r\n\u2028diff --git a/x b/x\n");
  await Deno.symlink("/etc/passwd", join(folder, "link"));
  await Deno.symlink(there.root, join(folder, "linked-folder"));
  const script = 'printf bytes > "$(printf "b\\377d")"; mkfifo pipe; mkdir -p e/m/p/t/y';
  await new Deno.Command("sh", { args: ["-c", script], cwd: folder }).output();
  const commit = await worktree.commit(COMMIT);
  const { files, patch } = await worktree.changes(commit);
  const paths = files.map(({ path }) => path);
  assert.ok(
    paths.includes('new\nline "quoted"\t\\.txt') && paths.includes('"b\\377d"'),
    `${paths}`,
  );
  assert.equal(files.find(({ path }) => path === "bin")?.added, null);
  assert.equal(files.length, 10, `${paths}`);
  // As a result carries it.
  const carried = JSON.parse(JSON.stringify(patch));
  await write(join(there.folder, "p.patch"), carried);
  await there.git(there.root, "apply", "--index", join(there.folder, "p.patch"));
  const tree = await there.git(there.root, "write-tree");
  assert.equal(tree, await there.git(there.root, "rev-parse", `${commit}^{tree}`));
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
  assert.equal(await exists("/etc/passwd"), true);
  assert.equal(await exists(join(there.root, "keep")), true);
});

Deno.test("a patch that is too large is counted, and written to a file", async () => {
  await using there = await TestRepository.create();
  const worktree = await there.worktree();
  await write(join(worktree.folder, "big"), `${"line\n".repeat(50_000)}`);
  const commit = await worktree.commit(COMMIT);
  const patchFile = join(there.folder, "big.patch");
  const { patch, patchBytes } = await worktree.changes(commit, { maxPatchBytes: 1_000, patchFile });
  assert.equal(patch, undefined);
  assert.equal((await Deno.stat(patchFile)).size, patchBytes);
  await there.git(there.root, "apply", "--check", patchFile);
  const counted = await worktree.changes(commit, { maxPatchBytes: 1_000 });
  assert.deepEqual([counted.patch, counted.patchBytes], [undefined, patchBytes]);
});

Deno.test("a branch made a link to main does not move main", async () => {
  await using there = await TestRepository.create();
  const worktree = await there.worktree();
  const main = await there.git(there.root, "rev-parse", "main");
  await there.git(
    worktree.folder,
    "symbolic-ref",
    `refs/heads/${worktree.branch}`,
    "refs/heads/main",
  );
  await write(join(worktree.folder, "a.txt"), "changed\n");
  const commit = await worktree.commit(COMMIT);
  assert.equal(await there.git(there.root, "rev-parse", "main"), main);
  assert.equal(await there.git(there.root, "rev-parse", worktree.branch), commit);
});

Deno.test("flags of the agent's index, and files it cannot read, do not hide changes", async () => {
  await using there = await TestRepository.create();
  const worktree = await there.worktree();
  await there.git(worktree.folder, "update-index", "--assume-unchanged", "a.txt");
  await there.git(worktree.folder, "update-index", "--skip-worktree", "dir/b.txt");
  await write(join(worktree.folder, "a.txt"), "hidden\n");
  await write(join(worktree.folder, "dir/b.txt"), "hidden\n");
  const { files } = await worktree.changes(await worktree.commit(COMMIT));
  assert.deepEqual(files.map(({ path }) => path), ["a.txt", "dir/b.txt"]);
});

Deno.test("a sparse checkout stays as it is", async () => {
  await using there = await TestRepository.create({ "in/a": "a\n", "out/b": "b\n", "top": "t\n" });
  await there.git(there.root, "sparse-checkout", "set", "in");
  const worktree = await there.worktree();
  await write(join(worktree.folder, "in/a"), "changed\n");
  await write(join(worktree.folder, "out/new"), "new\n");
  const { files } = await worktree.changes(await worktree.commit(COMMIT));
  assert.deepEqual(files.map(({ path, status }) => `${path} ${status}`), [
    "in/a modified",
    "out/new added",
  ]);
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
});
