import assert from "node:assert/strict";
import { join } from "node:path";
import { patchedFiles } from "./mod.ts";
import { TestRepository, write } from "./testing/test_repository.ts";

Deno.test("a patch that git made has the files that git lists", async () => {
  await using there = await TestRepository.create({
    "moved file": "1\n2\n3\n4\n5\n",
    "mode": "m\n",
    "gone": "g\n",
    "empty": "",
    "kind": "file\n",
  });
  const worktree = await there.worktree();
  const { folder } = worktree;
  await Deno.rename(join(folder, "moved file"), join(folder, "to\there"));
  await Deno.chmod(join(folder, "mode"), 0o755);
  await Deno.remove(join(folder, "gone"));
  await Deno.remove(join(folder, "empty"));
  await write(join(folder, 'new\nü \\ "x"'), "--- a/x\n+++ b/x\n@@ -1 +1 @@\ndiff --git a/y b/y\n");
  await write(join(folder, "bin"), new Uint8Array([0, 1, 255]));
  await write(join(folder, "e b/e"), "");
  const commit = await worktree.commit({
    message: "m",
    author: { name: "A", email: "a@b" },
    trailers: {},
  });
  const { files, patch } = await worktree.changes(commit);
  assert.deepEqual(
    patchedFiles(patch ?? "").map(({ ids: _ids, ...file }) => file),
    files,
  );
});

Deno.test("what is no patch has no files", () => {
  for (const text of ["", "no patch", "diff --git", "+++ b/x\n", "\n\n"]) {
    assert.deepEqual(patchedFiles(text), []);
  }
  assert.equal(patchedFiles("diff --git \ndiff --git a/x b/x\n").at(-1)?.path, "x");
});
