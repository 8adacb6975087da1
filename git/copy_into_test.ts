import assert from "node:assert/strict";
import { join } from "node:path";
import { exists, TestRepository, write } from "./testing/test_repository.ts";

const FILES = { ".gitignore": ".env\nconf/local/\nlink\nout\n", "a.txt": "a\n" };

Deno.test("ignored files are copied with their mode, and are never committed", async () => {
  await using there = await TestRepository.create(FILES);
  await write(join(there.root, ".env"), "KEY=secret\n");
  await Deno.chmod(join(there.root, ".env"), 0o600);
  await write(join(there.root, "conf/local/x.json"), "{}\n");
  const repository = await there.open();
  const worktree = await there.worktree(repository);
  await repository.copyInto(worktree, ["./.env", "conf//local/x.json"]);
  assert.equal(await Deno.readTextFile(join(worktree.folder, ".env")), "KEY=secret\n");
  const { mode } = await Deno.stat(join(worktree.folder, ".env"));
  assert.equal((mode ?? 0) & 0o777, 0o600);
  assert.equal(await exists(join(worktree.folder, "conf/local/x.json")), true);
  // An agent that no longer ignores it does not get it into the commit.
  await write(join(worktree.folder, ".gitignore"), "");
  const commit = await worktree.commit({
    message: "m",
    author: { name: "A", email: "a@b" },
    trailers: {},
  });
  const { files } = await worktree.changes(commit);
  assert.deepEqual(files.map(({ path }) => path), [".gitignore"]);
  assert.deepEqual(await worktree.remove(), { kind: "removed" });
});

Deno.test("what is missing, leads outside, is a folder or would be committed is refused by name", async () => {
  await using there = await TestRepository.create(FILES);
  await write(join(there.root, "notes.txt"), "not ignored\n");
  await write(join(there.root, "conf/local/x"), "x");
  await write(join(there.folder, "secret"), "outside\n");
  await Deno.symlink(join(there.folder, "secret"), join(there.root, "link"));
  await Deno.symlink(there.folder, join(there.root, "out"));
  const repository = await there.open();
  const worktree = await there.worktree(repository);
  for (
    const [name, why] of Object.entries({
      ".env": /"\.env": there is no .*shop\/\.env/,
      "../secret": /inside the repository/,
      "a/../../secret": /inside the repository/,
      "": /inside the repository/,
      ".": /inside the repository/,
      [join(there.root, "a.txt")]: /inside the repository/,
      "link": /leads out of the repository/,
      "out/secret": /leads out of the repository/,
      ".git/config": /git's own files/,
      "conf/local": /is a folder/,
      "notes.txt": /does not ignore it.*info\/exclude/,
      "a.txt": /does not ignore it/,
    })
  ) {
    await assert.rejects(repository.copyInto(worktree, [name]), {
      code: "copy_refused",
      message: why,
    });
  }
  assert.equal(await there.git(worktree.folder, "status", "--porcelain", "--ignored"), "");
});

Deno.test("a link in the worktree is not followed", async () => {
  await using there = await TestRepository.create({ ".gitignore": "conf/local\n" });
  await Deno.mkdir(join(there.folder, "elsewhere"));
  await Deno.symlink(join(there.folder, "elsewhere"), join(there.root, "conf"));
  await there.git(there.root, "add", "-A");
  await there.git(there.root, "commit", "-qm", "a link");
  await Deno.remove(join(there.root, "conf"));
  await write(join(there.root, "conf/local"), "secret\n");
  const repository = await there.open();
  const worktree = await there.worktree(repository);
  await assert.rejects(repository.copyInto(worktree, ["conf/local"]));
  assert.equal(await exists(join(there.folder, "elsewhere/local")), false);
});
