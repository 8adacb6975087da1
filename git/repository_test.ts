import assert from "node:assert/strict";
import { join } from "node:path";
import { Repository } from "./repository.ts";
import { ENV, exists, TestRepository, write } from "./testing/test_repository.ts";

Deno.test("four processes make twenty worktrees of one repository at once", async () => {
  await using there = await TestRepository.create();
  await there.git(there.root, "config", "branch.autoSetupMerge", "always");
  await write(join(there.root, "uncommitted"), "stays\n");
  const config = await Deno.readTextFile(join(there.root, ".git/config"));
  const script = `
    import { Repository } from "${new URL("./mod.ts", import.meta.url)}";
    const [root, trees, first] = Deno.args;
    const repository = await Repository.open(root, { env: Deno.env.toObject() });
    const base = await repository.resolveBase();
    await Promise.all([0, 1, 2, 3, 4].map(async (index) => {
      const sequence = Number(first) + index;
      const worktree = await repository.addWorktree({
        folder: trees + "/t" + sequence, branch: "ourocodus/s/r/" + sequence, base, sequence,
      });
      await Deno.writeTextFile(worktree.folder + "/a.txt", "work " + sequence);
      await worktree.snapshot({ sequence, attempt: 1, n: 1 });
      await worktree.commit({
        message: "work", author: { name: "A", email: "a@b" }, trailers: {},
      });
      if ((await worktree.remove()).kind !== "removed") throw new Error("not removed");
    }));
  `;
  const path = join(there.folder, "adds.ts");
  await write(path, script);
  const config_ = new URL("../deno.json", import.meta.url).pathname;
  const runs = await Promise.all([1, 6, 11, 16].map((first) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", "-c", config_, path, there.root, there.trees, String(first)],
      env: { NO_COLOR: "1" },
    }).output()
  ));
  for (const { code, stderr } of runs) {
    assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
  }
  const branches = await there.git(
    there.root,
    "branch",
    "--list",
    "ourocodus/*",
    "--format=%(refname)",
  );
  assert.equal(branches.split("\n").length, 20);
  for (let sequence = 1; sequence <= 20; sequence++) {
    const text = await there.git(there.root, "show", `ourocodus/s/r/${sequence}:a.txt`);
    assert.equal(text, `work ${sequence}`);
  }
  assert.equal(await there.git(there.root, "status", "--porcelain"), "?? uncommitted");
  assert.equal(await there.git(there.root, "branch", "--show-current"), "main");
  assert.equal(await Deno.readTextFile(join(there.root, ".git/config")), config);
});

Deno.test("a branch that is taken gets a number", async () => {
  await using there = await TestRepository.create();
  const repository = await there.open();
  const names: string[] = [];
  for (let count = 0; count < 3; count++) {
    names.push((await there.worktree(repository, "ourocodus/s/r/7")).branch);
  }
  assert.deepEqual(names, ["ourocodus/s/r/7", "ourocodus/s/r/7-2", "ourocodus/s/r/7-3"]);
});

Deno.test("a folder that is no repository, has no commit or is not there is told with what to do", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const open = () => Repository.open(folder, { env: ENV });
    await assert.rejects(open(), {
      code: "no_repository",
      message: /no git repository; run git init/,
    });
    await new Deno.Command("git", { args: ["init", "-q"], cwd: folder }).output();
    await assert.rejects(open(), { code: "no_repository", message: /no commit yet.*git commit/ });
    await assert.rejects(Repository.open(join(folder, "none"), { env: ENV }), /it is not there/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a folder inside, and a linked worktree, lead to the main repository", async () => {
  await using there = await TestRepository.create();
  const worktree = await there.worktree();
  for (const folder of [join(there.root, "dir"), worktree.folder]) {
    const { root } = await Repository.open(folder, { env: ENV });
    assert.equal(root, there.root);
  }
  const bare = join(there.folder, "bare.git");
  await there.git(there.folder, "clone", "-q", "--bare", there.root, bare);
  assert.equal((await Repository.open(bare, { env: ENV })).root, bare);
  assert.equal((await Repository.open(join(there.root, ".git"), { env: ENV })).root, there.root);
});

Deno.test("HEAD is that of the worktree that was named, not of the main checkout", async () => {
  await using there = await TestRepository.create();
  const linked = join(there.folder, "linked");
  await there.git(there.root, "worktree", "add", "-q", "-b", "feature", linked);
  await write(join(linked, "feature.txt"), "x\n");
  await there.git(linked, "add", "--all");
  await there.git(linked, "commit", "-q", "-m", "feature");
  const repository = await Repository.open(linked, { env: ENV });
  assert.equal(await repository.resolveBase(), await there.git(linked, "rev-parse", "HEAD"));
  assert.equal(await repository.resolveBase("feature"), await repository.resolveBase());
});

Deno.test("a base that is not there, or looks like a flag, is an error", async () => {
  await using there = await TestRepository.create();
  const repository = await there.open();
  for (const ref of ["none", "--all", "", "HEAD:a.txt", "a b"]) {
    await assert.rejects(repository.resolveBase(ref), /has no such commit/, ref);
  }
  assert.equal(await repository.resolveBase("main"), await repository.resolveBase());
});

Deno.test("adding to a folder that is not empty fails, and leaves it", async () => {
  await using there = await TestRepository.create();
  const repository = await there.open();
  const folder = join(there.trees, "full");
  await write(join(folder, "mine"), "mine\n");
  const base = await repository.resolveBase();
  await assert.rejects(
    repository.addWorktree({ folder, branch: "b", base, sequence: 1 }),
    /already exists/,
  );
  assert.equal(await exists(join(folder, "mine")), true);
  assert.equal(
    (await there.tryGit(there.root, "rev-parse", "-q", "--verify", "refs/heads/b")).code,
    1,
  );
});

Deno.test("adding that was called off ends, and the next goes on", async () => {
  await using there = await TestRepository.create();
  const repository = await there.open();
  const base = await repository.resolveBase();
  const options = { folder: join(there.trees, "x"), branch: "b", base, sequence: 1 };
  const signal = AbortSignal.abort(new Error("called off"));
  await assert.rejects(repository.addWorktree({ ...options, signal }), /called off/);
  await repository.addWorktree(options);
});

Deno.test("of a worktree whose files cannot be written nothing is left", async () => {
  await using there = await TestRepository.create();
  const repository = await there.open();
  const id = await there.git(there.root, "rev-parse", "HEAD:a.txt");
  await Deno.remove(join(there.root, ".git/objects", id.slice(0, 2), id.slice(2)));
  await assert.rejects(there.worktree(repository), /^GitError: Cannot add the worktree .*t1 at /);
  assert.equal(await exists(join(there.trees, "t1")), false);
  assert.equal(await there.git(there.root, "branch", "--list", "ourocodus/*"), "");
  assert.equal((await there.git(there.root, "worktree", "list")).split("\n").length, 1);
});

Deno.test("HEAD is the commit that git says, on a branch, packed, and on none", async () => {
  await using there = await TestRepository.create();
  const repository = await there.open();
  const first = await there.git(there.root, "rev-parse", "HEAD");
  assert.equal(await repository.resolveBase(), first);
  await there.git(there.root, "pack-refs", "--all");
  assert.equal(await repository.resolveBase(), first);
  await there.git(there.root, "commit", "-q", "--allow-empty", "-m", "second");
  const second = await there.git(there.root, "rev-parse", "HEAD");
  assert.equal(await repository.resolveBase(), second);
  await there.git(there.root, "checkout", "-q", "--detach", first);
  assert.equal(await repository.resolveBase(), first);
});
