import assert from "node:assert/strict";
import fc from "fast-check";
import { checkJson, parseExactly } from "./json_text.ts";

function reason(text: string, maxDepth = 10): string | undefined {
  const check = checkJson(text, { maxDepth });
  return check.kind === "ok" ? undefined : check.reason;
}

/** Whether JavaScript itself takes it. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

Deno.test("what JSON.stringify writes is JSON, with and without space", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.nat(4), (value, indent) => {
    assert.equal(reason(JSON.stringify(value, null, indent), 100), undefined);
  }));
});

Deno.test("a damaged text is JSON exactly where JSON.parse says so", () => {
  const damage = fc.tuple(
    fc.json({ maxDepth: 3 }),
    fc.nat(),
    fc.nat(2),
    fc.string({ unit: fc.constantFrom(...'{}[],:"\\ 0-1.eE+tu/\n\x01nul') }),
  );
  fc.assert(
    fc.property(damage, ([text, place, removed, inserted]) => {
      const at = place % (text.length + 1);
      const damaged = text.slice(0, at) + inserted + text.slice(at + removed);
      assert.equal(reason(damaged, 100) === undefined, isJson(damaged), JSON.stringify(damaged));
    }),
    { numRuns: 5_000 },
  );
});

for (
  const [text, expected] of [
    ["", "it ends instead of a value, at line 1, column 1"],
    ['{"payload":{"a":}}', 'it has "}" instead of a value, at line 1, column 17'],
    ['{\n  "a": 1,\n}', 'it has "}" instead of a name in quotes, at line 3, column 1'],
    ['{"a" 1}', 'it has "1" instead of :, at line 1, column 6'],
    ["[1 2]", 'it has "2" instead of , or ], at line 1, column 4'],
    ['{"a": 1', "it ends instead of , or }, at line 1, column 8"],
    ["{} x", 'it has "x" instead of its end, at line 1, column 4'],
    ['"a', "a string without an end, at line 1, column 1"],
    ['"\t"', "a control character in a string, at line 1, column 2"],
    ['"\\x"', "an escape that JSON does not have, at line 1, column 2"],
    ["[[[[", "nested deeper than 3, at line 1, column 4"],
    ["💥", 'it has "💥" instead of a value, at line 1, column 1'],
  ] as const
) {
  Deno.test(`${JSON.stringify(text)} is no JSON, and why is said`, () => {
    assert.equal(reason(text, 3), expected);
  });
}

Deno.test("a million brackets don't exhaust the stack", () => {
  assert.equal(reason("[".repeat(1_000_000)), "nested deeper than 10, at line 1, column 11");
  assert.match(reason("[".repeat(1_000_000), Infinity) ?? "", /^it ends instead of/);
});

Deno.test("numbers that JavaScript cannot hold, and names like __proto__, are kept", () => {
  const text = '{"big":12345678901234567890,"small":1.10,"__proto__":{"x":1},"huge":1e400}';
  assert.equal(JSON.stringify(parseExactly(text)), text);
});
