import assert from "node:assert/strict";
import { OptionError } from "../../errors.ts";
import { parsePermissionRules } from "./permission_rules.ts";

Deno.test("a rules file is parsed, with edits as its default", () => {
  const text = JSON.stringify({
    allow: [
      { kind: "execute", command: "deno task 'test'" },
      { kind: ["read", "edit"], path: "./src//a/" },
      { path: "." },
    ],
    deny: [{ kind: "fetch" }],
  });
  assert.deepEqual(parsePermissionRules(text, "f"), {
    allow: [
      { kinds: ["execute"], command: ["deno", "task", "test"] },
      { kinds: ["read", "edit"], path: "src/a" },
      { path: "." },
    ],
    deny: [{ kinds: ["fetch"] }],
    default: "edits",
  });
  assert.equal(parsePermissionRules('{"default":"deny"}', "f").default, "none");
  assert.equal(parsePermissionRules('{"default":"all"}', "f").default, "all");
});

Deno.test("an error of a rules file names the file, the place, the value and what is allowed", () => {
  const cases: Array<[unknown, RegExp]> = [
    [[], /^Cannot use permissions "rules.json": the file is \[\], it must be an object$/],
    [{ alow: [] }, /the file has a field "alow", allowed are allow, deny, default$/],
    [{ default: "some" }, /default is "some", allowed are all, edits, read, none, deny$/],
    [{ allow: {} }, /allow is {}, it must be a list of rules$/],
    [{ allow: ["ls"] }, /allow\[0\] is "ls", it must be an object$/],
    [{ deny: [{}, {}] }, /deny\[0\] is empty, it needs a kind, a command or a path$/],
    [{ allow: [{ kind: "exec" }] }, /allow\[0\]\.kind is "exec", allowed are read, search/],
    [{ allow: [{ kind: [] }] }, /allow\[0\]\.kind is \[\], allowed are/],
    [{ allow: [{ kind: null }] }, /allow\[0\]\.kind is null, allowed are/],
    [{ allow: [{ tool: "x" }] }, /allow\[0\] has a field "tool", allowed are kind, command, path$/],
    [{ allow: [{ kind: "edit", command: "ls" }] }, /with a command only "execute" is allowed$/],
    [
      { allow: [{ kind: "execute", path: "a" }] },
      /allow\[0\]\.kind is "execute", with a path only/,
    ],
    [{ allow: [{ path: "a", command: "ls" }] }, /allow\[0\] has a command and a path/],
    [{ allow: [{ command: "a && b" }] }, /allow\[0\]\.command is "a && b", it must be the first/],
    [{ allow: [{ command: "a $B" }] }, /\(it has a variable or a substitution\)/],
    [{ allow: [{ command: "" }] }, /allow\[0\]\.command is ""/],
    [{ allow: [{ command: 7 }] }, /allow\[0\]\.command is 7,/],
    [{ allow: [{ command: "ls *" }] }, /patterns are not allowed: it is a prefix by words$/],
    [{ allow: [{ path: "/etc" }] }, /allow\[0\]\.path is "\/etc", it must be a path relative/],
    [{ allow: [{ path: "a/../.." }] }, /allow\[0\]\.path is "a\/\.\.\/\.\."/],
    [{ allow: [{ path: "src/**" }] }, /without \.\. and patterns$/],
    [{ allow: [{ path: "" }] }, /allow\[0\]\.path is ""/],
    [{ allow: Array(1_001).fill({ kind: "read" }) }, /allow has 1001 rules, limit is 1000$/],
  ];
  for (const [rules, message] of cases) {
    const parse = () => parsePermissionRules(JSON.stringify(rules), "rules.json");
    assert.throws(parse, (error) => {
      assert.ok(error instanceof OptionError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.throws(
    () => parsePermissionRules("{", "f"),
    /Cannot use permissions "f": it is not JSON: /,
  );
  assert.throws(() => parsePermissionRules(" ".repeat(300_000), "f"), /limit is 262144$/);
});
