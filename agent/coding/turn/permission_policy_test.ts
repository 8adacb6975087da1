import assert from "node:assert/strict";
import fc from "fast-check";
import { PermissionPolicy } from "./permission_policy.ts";
import type { PermissionQuestion } from "./permission_question.ts";
import type { PermissionLevel } from "../acp/presets.ts";
import { parsePermissionRules } from "./permission_rules.ts";

const KINDS = [
  "read",
  "search",
  "think",
  "edit",
  "delete",
  "move",
  "execute",
  "fetch",
  "switch_mode",
  "other",
] as const;

function policy(rules: object): PermissionPolicy {
  return new PermissionPolicy(parsePermissionRules(JSON.stringify(rules), "rules.json"));
}

function ask(kind: PermissionQuestion["kind"], more: object = {}): PermissionQuestion {
  return { tool: "t", kind, title: "title", paths: [], ...more };
}

/** A worktree with a link in it that leads out. */
async function withTree(test: (root: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const root = `${folder}/tree`;
  try {
    await Deno.mkdir(`${root}/src/deep`, { recursive: true });
    await Deno.mkdir(`${folder}/outside`);
    await Deno.writeTextFile(`${root}/src/a.ts`, "");
    await Deno.symlink(`${folder}/outside`, `${root}/out`);
    await Deno.symlink(`${folder}/nowhere`, `${root}/dangling`);
    await Deno.symlink(`${root}/src/deep`, `${root}/in`);
    await Deno.symlink("loop", `${root}/loop`);
    await test(root);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("levels allow what their table says", () =>
  withTree((root) => {
    const inside = { paths: [`${root}/src/a.ts`], command: "ls" };
    const allowed = (level: PermissionLevel, more: object = inside) =>
      KINDS.filter((kind) =>
        PermissionPolicy.level(level).decide(ask(kind, more), root).answer === "allow"
      );
    assert.deepEqual(allowed("all"), KINDS);
    assert.deepEqual(allowed("edits"), ["read", "search", "think", "edit", "delete", "move"]);
    assert.deepEqual(allowed("read"), ["read", "search", "think"]);
    assert.deepEqual(allowed("none"), []);
    const outside = { paths: ["/etc/passwd"] };
    assert.deepEqual(allowed("edits", outside), ["think"]);
    assert.deepEqual(allowed("all", outside), KINDS);
    assert.deepEqual(allowed("edits", { paths: [] }), ["think"]);
  }));

Deno.test("a path is outside if its letters or its links lead out, and if it is no plain path", () =>
  withTree((root) => {
    const decide = (path: string) =>
      PermissionPolicy.level("edits").decide(ask("edit", { paths: [path] }), root);
    const inside = [
      "src/a.ts",
      "src/new/file.ts",
      `${root}/src/a.ts`,
      "src/../src/a.ts",
      "in/x.ts",
      "./a",
      "..a",
      "src/..a/b",
    ];
    for (const path of inside) assert.equal(decide(path).answer, "allow", path);
    const outside = [
      "",
      "..",
      "../tree2/a",
      "src/../../x",
      `${root}/../x`,
      `${root}2/x`,
      "/etc/passwd",
      "/",
      "out/x",
      "out",
      "out/../src/a.ts",
      "in/../../../x",
      "dangling",
      "dangling/x",
      "loop/x",
      "src/a.ts/x",
      "~/x",
      "~root/.ssh/id",
      "$HOME/x",
      "file:///etc/passwd",
      "C:\\x",
      "a\0b",
      "x".repeat(5_000),
      "x/".repeat(2_500),
      ".",
      root,
      ".git",
      ".git/hooks/pre-commit",
      ".GIT/config",
      "sub/.git/config",
    ];
    for (const path of outside) assert.equal(decide(path).answer, "deny", path.slice(0, 60));
  }));

Deno.test("permissions are a level or a rules file, and an error names both", () => {
  const read = (path: string) => {
    if (path !== "rules.json") throw new Error("no such file");
    return '{"default":"read"}';
  };
  assert.equal(PermissionPolicy.of("all", read).level, "all");
  assert.equal(PermissionPolicy.of("rules.json", read).level, "read");
  assert.throws(
    () => PermissionPolicy.of("al", read),
    /^OptionError: Cannot use permissions "al": allowed are all, edits, read, none and a rules file, which cannot be read: no such file$/,
  );
});

Deno.test("all paths of a tool must be inside", () =>
  withTree((root) => {
    const paths = ["src/a.ts", "/etc/passwd"];
    const { answer, why } = PermissionPolicy.level("edits").decide(ask("move", { paths }), root);
    assert.equal(answer, "deny");
    assert.equal(why, '"/etc/passwd" is outside of the worktree');
  }));

Deno.test("a command rule is a prefix by words, and each simple command needs one", () =>
  withTree((root) => {
    const rules = policy({
      allow: [
        { kind: "execute", command: "deno task test" },
        { command: "git status" },
        { command: "tail" },
      ],
    });
    const decide = (command: string | string[], more: object = {}) =>
      rules.decide(ask("execute", { command, ...more }), root);
    const allowed = [
      "deno task test",
      "deno  task 'test' --filter x",
      "deno task test 2>&1 | tail -20",
      "git status && deno task test",
      `cd ${root}/src && deno task test`,
      `cd ${root} && deno task test`,
      "deno task test\ngit status",
    ];
    for (const command of allowed) assert.equal(decide(command).answer, "allow", command);
    const denied = [
      "deno task tests",
      "deno task",
      "deno task t*",
      "DENO_DIR=/x deno task test",
      "sudo deno task test",
      "./deno task test",
      "deno task test; rm -rf .",
      "deno task test && rm -rf .",
      "deno task test || rm",
      "deno task test | sh",
      "deno task test\nrm",
      "deno task test & rm",
      "deno task test $(rm)",
      "deno task test `rm`",
      "deno task test > src/a.ts",
      "deno task test <(rm)",
      'deno task test "$(rm)"',
      "cd src && deno task test",
      `cd ${root}/out && deno task test`,
      `cd ${root}/.. && deno task test`,
      "cd .. && deno task test",
      "cd - && deno task test",
      `cd ${root}/src && cd ${root} && deno task test`,
      "cd && deno task test",
      "cd src",
      "PATH=. && deno task test",
      "function deno { rm; }",
      "alias deno=rm; deno task test",
      "if deno task test; then rm; fi",
    ];
    for (const command of denied) assert.equal(decide(command).answer, "deny", command);
    assert.equal(decide(["deno", "task", "test", "; rm"]).answer, "allow");
    assert.equal(decide(["deno", "task test"]).answer, "deny");
    const enter = (folder: string) =>
      decide(`cd ${folder} && deno task test`, { cwd: `${root}/src` }).answer;
    assert.equal(enter("deep"), "allow");
    assert.equal(enter(".."), "allow");
    assert.equal(enter("../out"), "deny");
    assert.equal(enter("../.."), "deny");
    assert.equal(decide("deno task test", { cwd: "src" }).answer, "allow");
    assert.equal(decide("deno task test", { cwd: "/tmp" }).answer, "deny");
    assert.equal(decide("deno task test; rm").why, 'no rule allows "rm"');
    assert.equal(rules.decide(ask("execute"), root).answer, "deny");
    assert.equal(decide("git status").rule, "allow[1]");
  }));

Deno.test("without a rule for commands a denied command is told that it needs one", () => {
  const { why } = PermissionPolicy.level("edits").decide(ask("execute", { command: "ls" }), "/x");
  assert.equal(why, "commands need a rule that allows them");
});

Deno.test("a rule for a kind allows all of it, inside the worktree", () =>
  withTree((root) => {
    const rules = policy({
      default: "none",
      allow: [{ kind: ["execute", "fetch"] }, { kind: "edit", path: "src/" }, { kind: "read" }],
    });
    const answer = (kind: PermissionQuestion["kind"], more: object = {}) =>
      rules.decide(ask(kind, more), root).answer;
    assert.equal(answer("execute"), "allow");
    assert.equal(answer("fetch"), "allow");
    assert.equal(answer("other"), "deny");
    assert.equal(answer("edit", { paths: ["src/b.ts"] }), "allow");
    assert.equal(answer("edit", { paths: ["src"] }), "allow");
    assert.equal(answer("edit", { paths: ["srcs/b.ts"] }), "deny");
    assert.equal(answer("edit", { paths: ["in/b.ts"] }), "allow");
    assert.equal(answer("edit", { paths: ["src/.git/config"] }), "deny");
    assert.equal(answer("delete", { paths: ["src/b.ts"] }), "deny");
    assert.equal(answer("read", { paths: ["b.ts"] }), "allow");
    assert.equal(answer("read", { paths: ["/etc/passwd"] }), "deny");
  }));

Deno.test("a deny rule beats every allow rule and level", () =>
  withTree((root) => {
    const rules = policy({
      default: "all",
      allow: [{ kind: "execute" }, { path: "src" }],
      deny: [{ command: "git push" }, { path: "src/secret" }, { kind: "fetch" }],
    });
    const answer = (kind: PermissionQuestion["kind"], more: object = {}) =>
      rules.decide(ask(kind, more), root).answer;
    const pushes = [
      "git push",
      "git  push --force",
      "ls && git push",
      "ls | xargs git push",
      "sudo git push",
      "/usr/bin/git push",
      "sh -c 'git push'",
      "sh -c 'ls;git push'",
      "X=1 git push",
    ];
    for (const command of pushes) assert.equal(answer("execute", { command }), "deny", command);
    // In doubt it is denied.
    assert.equal(answer("execute", { command: "$(echo git) push" }), "deny");
    assert.equal(answer("execute"), "deny");
    assert.equal(answer("execute", { command: "git status" }), "allow");
    assert.equal(answer("execute", { command: ["git", "push"] }), "deny");
    assert.equal(answer("edit", { paths: ["src/secret/a"] }), "deny");
    assert.equal(answer("edit", { paths: ["src/a", `${root}/src/secret`] }), "deny");
    assert.equal(answer("edit", { paths: [] }), "deny");
    assert.equal(answer("edit", { paths: ["src/secrets"] }), "allow");
    assert.equal(answer("fetch"), "deny");
    assert.equal(answer("other"), "allow");
    assert.equal(rules.unasked, "none");
    assert.equal(rules.level, "all");
  }));

Deno.test("whatever is asked, edits never allows a command, nor a path that is not in the tree", () =>
  withTree((root) => {
    const edits = PermissionPolicy.level("edits");
    const segment = fc.constantFrom(
      "..",
      ".",
      "src",
      "out",
      "in",
      "a",
      ".git",
      "~",
      "",
      "dangling",
    );
    const path = fc.tuple(fc.boolean(), fc.array(segment, { maxLength: 6 })).map(
      ([absolute, segments]) => (absolute ? `${root}/` : "") + segments.join("/"),
    );
    const question = fc.record({
      tool: fc.string(),
      kind: fc.constantFrom(...KINDS),
      title: fc.string(),
      paths: fc.array(path, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(question, (asked) => {
        const { answer } = edits.decide(asked, root);
        if (answer === "deny") return;
        assert.ok(!["execute", "fetch", "switch_mode", "other"].includes(asked.kind));
        if (asked.kind === "think") return;
        assert.ok(asked.paths.length > 0);
        for (const one of asked.paths) {
          const absolute = one.startsWith("/") ? one : `${root}/${one}`;
          const real = existing(absolute);
          assert.ok(real === root || real.startsWith(`${root}/`), one);
        }
      }),
      { numRuns: 1_000 },
    );
  }));

/** Where the system says that the path leads, as far as it exists. */
function existing(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return existing(path.slice(0, path.lastIndexOf("/")));
  }
}
