import assert from "node:assert/strict";
import fc from "fast-check";
import { checkJson, parseExactly } from "./json_text.ts";

function reason(text: string, maxDepth = 10): string | undefined {
  const check = checkJson(text, { maxDepth });
  return check.kind === "ok" ? undefined : check.reason;
}

Deno.test("what JSON.stringify writes is JSON, with and without space", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.nat(4), (value, indent) => {
    assert.equal(reason(JSON.stringify(value, null, indent), 100), undefined);
  }));
});

Deno.test("what is no JSON is told with its line and column, or what stands there", () => {
  for (
    const [text, expected] of [
      ["", /end of JSON input/],
      ['{"payload":{"a":}}', /Unexpected token '}', "{"payload":{"a":}}"/],
      ['{\n  "a": 1,\n}', /line 3 column 1/],
      ['"\\x"', /escaped character .*line 1 column 3/],
      ["{} x", /line 1 column 4/],
    ] as const
  ) assert.match(reason(text) ?? "", expected, text);
});

Deno.test("depth counts what is open at once, and not what stands in strings", () => {
  assert.equal(reason('[[[{"a":1}]]]', 4), undefined);
  assert.equal(reason('[[[{"a":1}]]]', 3), "nested deeper than 3");
  assert.equal(reason(`[${"[],".repeat(100)}{}]`, 2), undefined);
  assert.equal(reason(JSON.stringify(["[[[[", '\\"[[[[', '{"{{{{']), 1), undefined);
});

Deno.test("a million brackets don't exhaust the stack", () => {
  assert.equal(reason("[".repeat(1_000_000) + "]".repeat(1_000_000)), "nested deeper than 10");
  assert.match(reason("[".repeat(1_000_000), Infinity) ?? "", /end of JSON input/);
});

Deno.test("numbers that JavaScript cannot hold, and names like __proto__, are kept", () => {
  const text = '{"big":12345678901234567890,"small":1.10,"__proto__":{"x":1},"huge":1e400}';
  assert.equal(JSON.stringify(parseExactly(text)), text);
});
