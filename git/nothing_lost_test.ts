import assert from "node:assert/strict";
import fc from "fast-check";
import { join } from "node:path";
import { Repository } from "./repository.ts";
import { ENV, exists, TestRepository, write } from "./testing/test_repository.ts";
import type { Worktree } from "./worktree.ts";

/** What an agent may do, and what the product may do then. */
type Step =
  | { readonly kind: "write"; readonly path: string; readonly text: string }
  | { readonly kind: "delete" | "shell"; readonly text: string }
  | { readonly kind: "git"; readonly args: readonly string[] }
  | { readonly kind: "snapshot" | "commit" | "reset" | "remove" | "reopen" };

const PATHS = ["a.txt", "b.txt", "d/x", "d/y", "d", "e/f/g", "built.log", 'odd \n"name'];

const GIT: readonly string[][] = [
  ["add", "-A"],
  ["commit", "-qam", "own"],
  ["commit", "-q", "--allow-empty", "-m", "empty"],
  ["commit", "--amend", "-qam", "amended"],
  ["reset", "-q", "--hard", "HEAD^"],
  ["reset", "-q", "--soft", "HEAD^"],
  ["reset", "-q", "--hard", "main"],
  ["checkout", "-q", "--detach"],
  ["checkout", "-q", "-B", "side"],
  ["switch", "-q", "ourocodus/s/r/1"],
  ["switch", "-q", "--orphan", "alone"],
  ["branch", "-D", "side"],
  ["branch", "-D", "ourocodus/s/r/1"],
  ["branch", "-f", "ourocodus/s/r/1", "main"],
  ["merge", "side"],
  ["rebase", "side"],
  ["rebase", "--abort"],
  ["stash", "-u"],
  ["stash", "pop"],
  ["stash", "drop"],
  ["clean", "-qfdx"],
  ["worktree", "prune"],
  ["gc", "--prune=now", "-q"],
];

const SHELL = [
  "rm -f .git",
  "git init -q sub && echo inner > sub/inner",
  "git init -q d/ 2>/dev/null",
  "mkdir -p sub && cd sub && git init -q && echo i > i && git add i && git commit -qm i",
  "ln -sf /etc link",
  "chmod +x a.txt 2>/dev/null",
  "echo '*.txt' >> .gitignore",
  "rm -rf d",
];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      path: fc.constantFrom(...PATHS),
      text: fc.constantFrom("one\n", "two\n", "three\n", ""),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("delete" as const),
      text: fc.constantFrom(...PATHS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("shell" as const),
      text: fc.constantFrom(...SHELL),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant("git" as const),
      args: fc.constantFrom(...GIT),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "snapshot" as const,
        "commit" as const,
        "reset" as const,
        "reopen" as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const) }) },
);

/** What the product has seen, and so must not lose. */
interface Seen {
  readonly commits: Set<string>;
  /** Hashes of contents of files that are not ignored. */
  readonly contents: Map<string, string>;
}

/** Notes HEAD, the branch and all files, as they are before the product does something. */
async function look(there: TestRepository, worktree: Worktree, seen: Seen): Promise<void> {
  const gitDir = join(there.root, ".git/worktrees/t1");
  const pinned = [`--git-dir=${gitDir}`, `--work-tree=${worktree.folder}`];
  for (const name of ["HEAD", `refs/heads/${worktree.branch}`]) {
    const found = await there.tryGit(there.folder, ...pinned, "rev-parse", "-q", "--verify", name);
    if (found.code === 0) seen.commits.add(found.stdout);
  }
  const listed = await there.tryGit(
    worktree.folder,
    ...pinned,
    "ls-files",
    "-z",
    "--cached",
    "--others",
    "--exclude-standard",
  );
  for (const path of new Set(listed.stdout.split("\0"))) {
    const full = join(worktree.folder, path);
    const stat = path === "" ? undefined : await Deno.lstat(full).catch(() => undefined);
    if (!stat?.isFile) continue;
    seen.contents.set(await there.git(there.root, "hash-object", "--no-filters", full), path);
  }
}

async function act(there: TestRepository, worktree: Worktree, step: Step): Promise<void> {
  const { folder } = worktree;
  switch (step.kind) {
    case "write":
      return await write(join(folder, step.path), step.text).catch(() => {});
    case "delete":
      return await Deno.remove(join(folder, step.text), { recursive: true }).catch(() => {});
    case "shell": {
      const env = { ...ENV, GIT_CONFIG_COUNT: "2", GIT_CONFIG_KEY_0: "user.name" };
      const user = { GIT_CONFIG_VALUE_0: "A", GIT_CONFIG_KEY_1: "user.email" };
      const all = { ...env, ...user, GIT_CONFIG_VALUE_1: "a@b" };
      await new Deno.Command("sh", {
        args: ["-c", step.text],
        cwd: folder,
        env: all,
        stdout: "null",
        stderr: "null",
      }).output();
      return;
    }
    case "git":
      // Not outside: the agent may have taken .git away, and git would go on upwards.
      if (await exists(join(folder, ".git"))) await there.tryGit(folder, ...step.args);
  }
}

Deno.test("whatever an agent does, nothing that was seen is lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      await using there = await TestRepository.create({
        ".gitignore": "*.log\n",
        "a.txt": "base\n",
        "d/x": "x\n",
      });
      const repository = await Repository.open(there.root, { env: ENV });
      let worktree = await there.worktree(repository);
      const { branch, base, folder } = worktree;
      const seen: Seen = { commits: new Set(), contents: new Map() };
      let isRemoved = false;
      const all: Step[] = [...steps, { kind: "remove" }];
      for (const [n, step] of all.entries()) {
        if (isRemoved) break;
        const name = { sequence: 1, attempt: 1, n };
        switch (step.kind) {
          case "reopen":
            worktree = await repository.openWorktree({ folder, branch, base, sequence: 1 });
            break;
          case "snapshot":
            await look(there, worktree, seen);
            await worktree.snapshot(name);
            break;
          case "commit": {
            await look(there, worktree, seen);
            const author = { name: "A", email: "a@b" };
            await worktree.commit({ message: `commit ${n}`, author, trailers: {} });
            break;
          }
          case "reset":
            await look(there, worktree, seen);
            // It may say that something is in the way, but must not lose it.
            await worktree.resetToBase(name).catch(() => {});
            break;
          case "remove": {
            const now: Seen = { commits: new Set(), contents: new Map() };
            await look(there, worktree, now);
            isRemoved = (await worktree.remove()).kind === "removed";
            // What stays is the agent's to change again.
            if (!isRemoved) await checkAll(there, { seen: now, isRemoved, folder });
            for (const commit of isRemoved ? now.commits : []) seen.commits.add(commit);
            for (const [hash, path] of isRemoved ? now.contents : []) seen.contents.set(hash, path);
            break;
          }
          default:
            await act(there, worktree, step);
        }
      }
      await checkAll(there, { seen, isRemoved, folder });
    }),
    { numRuns: 20 },
  );
});

async function checkAll(
  there: TestRepository,
  { seen, isRemoved, folder }: {
    readonly seen: Seen;
    readonly isRemoved: boolean;
    readonly folder: string;
  },
): Promise<void> {
  assert.equal(await exists(folder), !isRemoved);
  assert.equal(await there.git(there.root, "status", "--porcelain"), "");
  // As long as the folder is there, its reflog is too.
  const tips = isRemoved ? ["--glob=*"] : ["--glob=*", "--reflog"];
  const args = ["rev-list", "--objects", "--no-object-names", ...tips];
  const reachable = new Set((await there.git(there.root, ...args)).split("\n"));
  // HEAD of a folder that stays holds what it is at.
  const head = isRemoved ? "" : (await there.tryGit(
    there.root,
    `--git-dir=${join(there.root, ".git/worktrees/t1")}`,
    "rev-list",
    "HEAD",
  )).stdout;
  for (const commit of seen.commits) {
    assert.ok(reachable.has(commit) || head.includes(commit), `commit ${commit}`);
  }
  const left = isRemoved ? new Set<string>() : await contentsIn(there, folder);
  for (const [hash, path] of seen.contents) {
    assert.ok(reachable.has(hash) || left.has(hash), `content of ${path}`);
  }
}

async function contentsIn(there: TestRepository, folder: string): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { name, isFile, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isFile) found.add(await there.git(there.root, "hash-object", "--no-filters", path));
    if (isDirectory && name !== ".git") {
      for (const hash of await contentsIn(there, path)) found.add(hash);
    }
  }
  return found;
}
