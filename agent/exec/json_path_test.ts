import assert from "node:assert/strict";
import { OptionError } from "../errors.ts";
import { isSo, parseJsonPath, valueAt } from "./json_path.ts";

const at = (value: unknown, path: string) => valueAt(value, parseJsonPath(path, "--x"));

Deno.test("a path names a place in a JSON value", () => {
  const value = { a: { "b-c": [[1, { d: 2 }]] }, 'x y."': 3, "": 4, é: 5 };
  assert.equal(at(value, "."), value);
  assert.equal(at(value, ".a.b-c[0][1].d"), 2);
  assert.equal(at(value, '.["x y.\\""]'), 3);
  assert.equal(at(value, '.a["b-c"].[0][0]'), 1);
  assert.equal(at(value, '.[""]'), 4);
  assert.equal(at(value, '.["é"]'), 5);
  assert.equal(at([[7]], ".[0][0]"), 7);
});

Deno.test("what is not there is undefined, whatever is there instead", () => {
  for (const value of [null, 1, "text", [], {}, { a: null }, { a: [1] }]) {
    assert.equal(at(value, ".a.b"), undefined);
  }
  for (const path of [".length", ".toString", ".__proto__", ".constructor.name", '.["0"]']) {
    assert.equal(at([1], path), undefined, path);
    assert.equal(at({}, path), undefined, path);
  }
  assert.equal(at({ 0: 1 }, ".[0]"), undefined);
});

Deno.test("what is no path is an error that names it", () => {
  const wrong = [
    "",
    "a",
    "..",
    ".a.",
    ".a..b",
    ".a[",
    ".a[-1]",
    ".a[1",
    ".1",
    '.["a]',
    '.["\\x"]',
    ".a b",
  ];
  for (const text of [...wrong, ".a|.b", ".a[]", "[0]", ".a[1e3]", ".".repeat(100_000)]) {
    assert.throws(() => parseJsonPath(text, "--x"), (error) => {
      assert(error instanceof OptionError);
      assert(error.message.startsWith(`--x is ${JSON.stringify(text)}, it must be a path like `));
      return true;
    });
  }
});

Deno.test("false, null, 0 and what is empty say that nothing is so", () => {
  for (const value of [undefined, null, false, 0, "", [], {}]) assert.equal(isSo(value), false);
  for (const value of [true, 1, -1, "false", [0], { a: null }]) assert.equal(isSo(value), true);
});
