/**
 * What docs/coding-agents.md lists is what the code has.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { PRESETS } from "../agent/coding/acp/presets.ts";
import { ROOT } from "./support/mod.ts";

const DOCS = read("docs/coding-agents.md");
const LEVELS = ["all", "edits", "read", "none"] as const;

function read(path: string): string {
  return Deno.readTextFileSync(join(ROOT, path));
}

/** The cells of the table rows that begin with a name in code. */
function rowsOf(name: string): string[][] {
  return [...DOCS.matchAll(new RegExp(`^\\| \`${name}\` +\\|(.*)\\|$`, "gm"))]
    .map(([, cells = ""]) => cells.split(" | ").map((cell) => cell.trim()));
}

/** Source files of a folder, without tests. */
function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(join(ROOT, folder))) {
    if (isDirectory) yield* sources(`${folder}/${name}`);
    else if (/(?<!_test)\.ts$/.test(name)) yield read(`${folder}/${name}`);
  }
}

/** The texts that a union of texts consists of. */
function union(path: string, type: string): string[] {
  const [, members = ""] = new RegExp(`type ${type} =([^;]*);`).exec(read(path)) ?? [];
  return [...members.matchAll(/"(\w+)"/g)].map(([, member = ""]) => member);
}

for (const [name, { npm, login, permissions }] of Object.entries(PRESETS)) {
  Deno.test(`the documentation has the package, login and modes of ${name}`, () => {
    const [about = [], modes = []] = rowsOf(name);
    assert.equal(about[0], `\`${npm?.package}\` ${npm?.tried}`);
    for (const variable of login.env) assert.ok(about[1]?.includes(`\`${variable}\``), variable);
    const wanted = LEVELS.map((level) => permissions[level].mode);
    assert.deepEqual(modes.slice(0, 4), wanted.map((mode) => mode ? `\`${mode}\`` : "–"));
  });
}

Deno.test("the documentation has each error code and each reason of a retry", () => {
  const thrown = [...sources("agent/coding")].flatMap((text) =>
    [...text.matchAll(/WorkError\(\s*"(\w+)"|\breason: "(\w+_\w+)"/g)].map(([, code, reason]) =>
      code ?? reason ?? ""
    )
  );
  const outcome = "agent/coding/turn/outcome.ts";
  const codes = new Set([
    ...thrown,
    ...union(outcome, "OutcomeCode"),
    ...union(outcome, "RetryReason"),
    ...union("git/errors.ts", "GitErrorCode"),
  ]);
  assert.ok(codes.size >= 20, [...codes].join());
  assert.deepEqual([...codes].filter((code) => !DOCS.includes(`\`${code}\``)), []);
});

Deno.test("the documentation has each field of a result", () => {
  const [, fields = ""] = /interface CodingResult \{(.*?)\n\}/s.exec(
    read("agent/coding/coding_result.ts"),
  ) ?? [];
  const names = [...fields.matchAll(/readonly (\w+)\??:/g)].map(([, name = ""]) => name);
  assert.ok(names.length >= 20, names.join());
  const [, table = ""] = /## Results\n(.*?)\n## /s.exec(DOCS) ?? [];
  assert.deepEqual(names.filter((name) => !table.includes(`\`${name}\``)), []);
});

Deno.test("the documentation has each flag of a coding agent", () => {
  const flags = [
    ...read("agent/coding_command.ts").matchAll(
      /^\s*(?:new Option\(|\.option\(\s*)?"(--[a-z-]+)/gm,
    ),
  ]
    .map(([, flag = ""]) => flag);
  assert.ok(flags.length >= 20, flags.join());
  assert.deepEqual(flags.filter((flag) => !DOCS.includes(flag)), []);
});

Deno.test("links between documents lead to a section", () => {
  for (const path of ["README.md", "SECURITY.md", "PROTOCOL.md", "docs/coding-agents.md"]) {
    for (const [, file = "", anchor = ""] of read(path).matchAll(/\]\(([\w./-]*)#([\w-]+)\)/g)) {
      const target = file === "" ? path : new URL(file, `file:///${path}`).pathname.slice(1);
      const anchors = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
        title.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-")
      );
      assert.ok(anchors.includes(anchor), `${path} links to ${file}#${anchor}`);
    }
  }
});
