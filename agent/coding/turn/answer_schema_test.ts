import assert from "node:assert/strict";
import fc from "fast-check";
import { WorkError } from "../../errors.ts";
import { AnswerSchema } from "./answer_schema.ts";
import { jsonValuesIn } from "./json_in_text.ts";

const PERSON = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer", minimum: 0 } },
  required: ["name"],
  additionalProperties: false,
};

function refused(schema: unknown, message: RegExp): void {
  assert.throws(() => new AnswerSchema(schema), (error) => {
    assert.ok(error instanceof WorkError, String(error));
    assert.equal(error.code, "invalid_schema");
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("an answer is found alone, in a fenced block, and among words", () => {
  const schema = new AnswerSchema(PERSON);
  const value = { name: "Ada", age: 36 };
  const json = JSON.stringify(value);
  const answers = [
    json,
    `\n ${JSON.stringify(value, undefined, 2)} \n`,
    `Here it is:\n\n\`\`\`json\n${json}\n\`\`\`\nThat is all.`,
    `~~~\n${json}\n~~~`,
    `First \`\`\`json\nnot this\n\`\`\`\n\n\`\`\`\n${json}\n\`\`\``,
    `For example {"name": 7}, but it is ${json}.`,
    `An array [1, 2] and {"a": "}"} and ${json}`,
    `He said "{" and then ${json}`,
  ];
  for (const answer of answers) {
    assert.deepEqual(schema.check(answer), { kind: "ok", value }, answer);
  }
});

Deno.test("an answer that is not valid says where and why", () => {
  const schema = new AnswerSchema(PERSON);
  assert.deepEqual(schema.check('{"age": -1, "x": 1}'), {
    kind: "mismatch",
    errors: [
      "the answer must have required property 'name'",
      'the answer must NOT have additional properties: "x"',
      "/age must be >= 0",
    ],
  });
  assert.deepEqual(schema.check("It is done"), {
    kind: "mismatch",
    errors: ["there is no JSON in the answer"],
  });
  const colour = new AnswerSchema({ enum: ["red", "blue"] });
  assert.deepEqual(colour.check('"green"'), {
    kind: "mismatch",
    errors: ['the answer must be equal to one of the allowed values: ["red","blue"]'],
  });
});

Deno.test("draft-07, 2019-09 and 2020-12 are known, 2020-12 is the default", () => {
  const tuple = { prefixItems: [{ type: "string" }] };
  assert.equal(new AnswerSchema(tuple).check("[1]").kind, "mismatch");
  const old = { $schema: "http://json-schema.org/draft-07/schema#", items: [{ type: "string" }] };
  assert.equal(new AnswerSchema(old).check("[1]").kind, "mismatch");
  const middle = { $schema: "https://json-schema.org/draft/2019-09/schema", items: [{ const: 1 }] };
  assert.equal(new AnswerSchema(middle).check("[2]").kind, "mismatch");
});

Deno.test("formats are checked, and references within the schema followed", () => {
  const schema = new AnswerSchema({
    $defs: { mail: { type: "string", format: "email" } },
    properties: { mail: { $ref: "#/$defs/mail" } },
  });
  assert.equal(schema.check('{"mail": "a@b.cd"}').kind, "ok");
  assert.equal(schema.check('{"mail": "nobody"}').kind, "mismatch");
});

Deno.test("a schema that is none is refused before an agent is asked", () => {
  refused(7, /^Cannot use payload\.schema: it is 7, it must be an object$/);
  refused([], /it is \[\], it must be an object$/);
  refused(null, /it is null/);
  refused({ type: "strin" }, /schema is invalid/);
  refused({ pattern: "(" }, /Invalid regular expression/);
  refused({ $ref: "#/$defs/nothing" }, /can't resolve reference/);
  refused({ $ref: "https://example.com/s.json" }, /\/\$ref is "https:.*references must be within/);
  refused({ properties: { a: { $ref: "file:///etc/passwd" } } }, /\/properties\/a\/\$ref is/);
  refused(
    { $schema: "https://example.com" },
    /its \$schema is "https:\/\/example.com", allowed are/,
  );
  refused({ $schema: 7 }, /its \$schema is 7, allowed are draft-07/);
  refused({ $async: true }, /\/\$async is true/);
  refused({ description: "x".repeat(70_000) }, /it is 70018 bytes, limit is 65536$/);
  let deep: object = {};
  for (let level = 0; level < 100; level++) deep = { not: deep };
  refused(deep, /nested deeper than 64 levels$/);
});

Deno.test("a reference that is data is none", () => {
  const schema = new AnswerSchema({ const: { $ref: "https://example.com" } });
  assert.equal(schema.check('{"$ref": "https://example.com"}').kind, "ok");
});

Deno.test("a regular expression that never ends is ended", () => {
  const schema = new AnswerSchema({ pattern: "^(a+)+$" });
  assert.deepEqual(schema.check(JSON.stringify("a".repeat(50) + "!")), {
    kind: "invalid_schema",
    reason: "checking the answer took more than 2000 ms",
  });
  assert.equal(schema.check('"aaa"').kind, "ok");
});

Deno.test("a schema that refers to itself without end is an error", () => {
  const schema = new AnswerSchema({ $ref: "#" });
  assert.notEqual(schema.check("1").kind, "ok");
  const tree = { type: "object", properties: { a: { anyOf: [{ $ref: "#" }, { $ref: "#" }] } } };
  let value: unknown = 1;
  for (let level = 0; level < 200; level++) value = { a: value };
  const { kind } = new AnswerSchema(tree).check(JSON.stringify(value));
  assert.equal(kind, "invalid_schema");
});

Deno.test("any text has values or none, in no time", () => {
  const piece = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    "```",
    "~~~",
    "\n",
    "a",
    ":",
    ",",
    "1",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
    assert.ok(jsonValuesIn(pieces.join("")).length <= 20);
  }));
  const hostile = ["{".repeat(1_000_000), "```\n".repeat(200_000), '{"'.repeat(500_000)];
  for (const text of hostile) assert.deepEqual(jsonValuesIn(text), []);
  assert.deepEqual(jsonValuesIn(" ".repeat(2 ** 20) + "1"), []);
});

Deno.test("a JSON object among words is found, whatever it holds", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
    const json = JSON.stringify(value);
    assert.deepEqual(jsonValuesIn(`The answer is: ${json} and no more`)[0], JSON.parse(json));
  }));
});
