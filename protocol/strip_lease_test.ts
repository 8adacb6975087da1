import assert from "node:assert/strict";
import fc from "fast-check";
import { stripLease } from "./strip_lease.ts";

const LEASE = "$JS.ACK.OUROCODUS_WORK.s=r.1.2.3.4.5";

Deno.test("a lease is taken off wherever it stands, and nothing else is touched", () => {
  const cases: [string, string][] = [
    [`{"id":"1","payload":{},"lease":"${LEASE}"}`, '{"id":"1","payload":{}}'],
    [`{"id": "1", "payload": {}, "lease": "${LEASE}"}`, '{"id": "1", "payload": {}}'],
    [`{"lease":"${LEASE}","id":"1"}`, '{"id":"1"}'],
    [`{ "lease" : "${LEASE}" , "id" : "1" }`, '{  "id" : "1" }'],
    [
      `{"id":"1","lease":"${LEASE}","n":12345678901234567890}`,
      '{"id":"1","n":12345678901234567890}',
    ],
    [`{"id":"1","lease":"a","lease":"${LEASE}"}`, '{"id":"1","lease":"a"}'],
    [`{"id":"1","lease":"${LEASE}","x":1,"lease":"${LEASE}" }`, '{"id":"1","x":1}'],
    [`{"id":"1","l\\u0065ase":"${LEASE}","x":1}`, '{"id":"1","x":1}'],
    [`{"lease":{"a":[1,"}"]},"lease":"${LEASE}","x":1}`, '{"lease":{"a":[1,"}"]},"x":1}'],
    [`{"lease":["${LEASE}"],"x":1}`, `{"lease":["${LEASE}"],"x":1}`],
    ['{"id":"1","lease":"another"}', '{"id":"1","lease":"another"}'],
    [`{"payload":{"x":1,"lease":"${LEASE}"}}`, `{"payload":{"x":1,"lease":"${LEASE}"}}`],
    ['{"id":"lease","x":["lease",{"lease":1}]}', '{"id":"lease","x":["lease",{"lease":1}]}'],
    ['{"id":"\\",\\"lease\\":1"}', '{"id":"\\",\\"lease\\":1"}'],
    [`{"lease":"${LEASE}"}`, "{}"],
    ["{}", "{}"],
  ];
  for (const [text, expected] of cases) assert.equal(stripLease(text, LEASE), expected);
});

Deno.test("of any message, what is left is the message without its lease", () => {
  const json = fc.oneof(fc.jsonValue(), fc.constantFrom(LEASE, `"${LEASE}"`, { lease: LEASE }));
  const key = fc.oneof(fc.string(), fc.constantFrom("lease", "id", '"lease"'));
  const fields = fc.uniqueArray(fc.tuple(key, json), { selector: ([name]) => name });
  const blank = fc.constantFrom("", " ", "\n", "\t ");
  fc.assert(fc.property(fields, blank, (all, space) => {
    const pairs = all.map(([key, value]) =>
      `${space}${JSON.stringify(key)}${space}:${space}${JSON.stringify(value)}`
    );
    const text = `{${pairs.join(`${space},`)}${space}}`;
    const named = Object.entries(JSON.parse(text));
    const rest = named.filter(([name, value]) => name !== "lease" || value !== LEASE);
    assert.deepEqual(Object.entries(JSON.parse(stripLease(text, LEASE))), rest);
  }));
});

Deno.test("of repeated fields each that is the lease goes, with one comma", () => {
  const field = fc.constantFrom(
    ...[`"lease":"${LEASE}"`, '"lease":"another"', '"lease":[1,"}"]', '"id":"1"'],
    ...[`"payload":{"lease":"${LEASE}"}`, '"x":"\\\\\\",\\"lease\\""', '"y":[{"z":"]"},2]'],
  );
  fc.assert(fc.property(fc.array(field), (some) => {
    const fields = [...some, '"z":1'];
    const kept = fields.filter((one) => one !== `"lease":"${LEASE}"`);
    assert.equal(stripLease(`{${fields.join(",")}}`, LEASE), `{${kept.join(",")}}`);
  }));
});

Deno.test("texts as long as a frame may be, and as many fields as fit one, are gone through", () => {
  const long = `"text":"${"x".repeat(15_000_000)}"`;
  assert.ok(stripLease(`{"lease":"${LEASE}",${long}}`, LEASE) === `{${long}}`);
  const many = `"lease":"${LEASE}",`.repeat(300_000);
  assert.equal(stripLease(`{${many}"x":1}`, LEASE), '{"x":1}');
});
