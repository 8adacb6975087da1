import assert from "node:assert/strict";
import { fingerprintOf } from "./fingerprint.ts";
import type { PermissionQuestion } from "./permission_question.ts";

const ROOT = await Deno.realPath(await Deno.makeTempDir());
await Deno.mkdir(`${ROOT}/src`);
await Deno.symlink("/etc", `${ROOT}/link`);
globalThis.addEventListener("unload", () => Deno.removeSync(ROOT, { recursive: true }));

function of(kind: PermissionQuestion["kind"], more: Partial<PermissionQuestion> = {}) {
  return fingerprintOf({ tool: "t", kind, title: "title", paths: [], ...more }, ROOT);
}

Deno.test("a command's text has the whole command, and the folder if the agent tells it", () => {
  assert.equal(of("execute", { command: "npm test" }), "execute: npm test");
  assert.equal(of("execute", { command: "npm test", cwd: ROOT }), 'execute in ".": npm test');
  assert.equal(of("execute", { command: "ls", cwd: `${ROOT}/src` }), 'execute in "src": ls');
  assert.equal(of("execute", { command: "ls", cwd: "/etc" }), 'execute in "/etc": ls');
});

Deno.test("what people would take for the same command, but is another, has another text", () => {
  const texts = [
    of("execute", { command: "rm -r a b" }),
    of("execute", { command: "rm -r a b " }),
    of("execute", { command: ["rm", "-r", "a b"] }),
    of("execute", { command: ["rm", "-r", "a", "b"] }),
    of("execute", { command: ["rm -r a b"] }),
    of("execute", { command: "rm -r a b", cwd: ROOT }),
    of("execute", { command: 'in ".": rm -r a b' }),
    of("execute", { command: 'without a shell: ["rm -r a b"]' }),
    of("execute", { command: "rm -r a b", cwd: `${ROOT}/src` }),
    of("execute", { command: "rm -r а b" }),
  ];
  assert.equal(new Set(texts).size, texts.length);
  assert.ok(!texts.includes(undefined));
});

Deno.test("a path's text has the kind, and where the path leads to", () => {
  assert.equal(of("edit", { paths: [`${ROOT}/src/a.ts`] }), 'edit: "src/a.ts"');
  assert.equal(of("edit", { paths: ["src/a.ts", "/etc/hosts"] }), 'edit: "src/a.ts", "/etc/hosts"');
  assert.equal(of("read", { paths: ["src/../src/a.ts"] }), 'read: "src/a.ts"');
  assert.equal(of("read", { paths: ['a", "b'] }), 'read: "a\\", \\"b"');
});

Deno.test("what the agent does not tell exactly, or people cannot read, has no text", () => {
  const none: [PermissionQuestion["kind"], Partial<PermissionQuestion>][] = [
    ["execute", {}],
    ["edit", {}],
    ["other", { title: "create_issue" }],
    ["fetch", { title: "Fetch https://example.org" }],
    ["switch_mode", {}],
    // Where it leads is another place in another worktree.
    ["read", { paths: ["../secret"] }],
    ["read", { paths: ["link/passwd"] }],
    ["read", { paths: ["~/.ssh/id_ed25519"] }],
    ["execute", { command: "ls", cwd: ".." }],
    ["execute", { command: "echo a\nrm -r b" }],
    ["execute", { command: "ls \u202etxt.exe" }],
    ["execute", { command: "ls\u200b" }],
    ["execute", { command: "ls \ud800" }],
    ["execute", { command: "x".repeat(192) }],
  ];
  for (const [kind, more] of none) {
    assert.equal(of(kind, more), undefined, `${kind} ${JSON.stringify(more)}`);
  }
  assert.equal(of("execute", { command: "x".repeat(191) })?.length, 200);
});
