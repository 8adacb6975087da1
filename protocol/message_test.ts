import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatMessage,
  invalidId,
  MAX_ID_CHARACTERS,
  MAX_TYPE_CHARACTERS,
  parseMessage,
  parseWork,
} from "./message.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  fc.json().map((text) => `{"id":"1","type":"work","payload":${text}}`),
  fc.json().map((text) => `{"id":${text},"type":"work","payload":{}}`),
  fc.json().map((text) => `{"id":"1","type":${text},"payload":{}}`),
);

function reason(text: string): string {
  const parsed = parseMessage(text);
  return parsed.kind === "invalid" ? parsed.reason : assert.fail(`accepted: ${text}`);
}

Deno.test("a message is parsed with its unknown fields", () => {
  assert.deepEqual(parseMessage('{"id":"1","type":"work","payload":{"a":[1]},"extra":null}'), {
    kind: "ok",
    message: { id: "1", type: "work", payload: { a: [1] }, extra: null },
  });
});

Deno.test("parsing never throws, and takes exactly what JSON.parse takes with three good fields", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const parsed = parseMessage(text);
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        assert.match((parsed as { reason: string }).reason, /^message is not valid JSON: /);
        return;
      }
      if (parsed.kind === "ok") assert.deepEqual(parsed.message, value);
      else assert.match(parsed.reason, /^message (must be|id |type |payload )/);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("what formatMessage makes is one line that parses to the same", () => {
  const label = (max: number) =>
    fc.string({ unit: "grapheme-composite", minLength: 1, maxLength: max })
      .filter((text) => invalidId(text) === undefined && [...text].length <= max);
  fc.assert(
    fc.property(
      label(MAX_ID_CHARACTERS),
      label(MAX_TYPE_CHARACTERS),
      fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
      (id, type, payload) => {
        const text = formatMessage(id, type, payload);
        assert.ok(!text.includes("\n"));
        const message = JSON.parse(JSON.stringify({ id, type, payload }));
        assert.deepEqual(parseMessage(text), { kind: "ok", message });
      },
    ),
  );
});

Deno.test("each wrong field is named with what it holds", () => {
  assert.equal(reason("[]"), "message must be a JSON object, got an array");
  assert.equal(reason("null"), "message must be a JSON object, got null");
  assert.equal(reason('"x"'), "message must be a JSON object, got a string");
  assert.equal(reason("{}"), "message id must be a string, got nothing");
  assert.equal(reason('{"id":7}'), "message id must be a string, got a number");
  assert.equal(reason('{"id":""}'), "message id is empty, it needs 1 to 128 characters");
  assert.equal(reason('{"id":"1"}'), "message type must be a string, got nothing");
  assert.equal(reason('{"id":"1","type":{}}'), "message type must be a string, got an object");
  assert.equal(
    reason('{"id":"1","type":"work"}'),
    "message payload must be a JSON object, got nothing",
  );
  assert.equal(
    reason('{"id":"1","type":"work","payload":[]}'),
    "message payload must be a JSON object, got an array",
  );
});

Deno.test("an invalid message's id is kept where that much was readable", () => {
  const parsed = parseMessage('{"id":"task-1","type":"work"}');
  assert.equal(parsed.kind === "invalid" && parsed.id, "task-1");
  assert.equal("id" in parseMessage('{"id":"","type":"work"}'), false);
});

Deno.test("ids and types are counted in characters, not in UTF-16 units", () => {
  assert.equal(invalidId("🦊".repeat(128)), undefined);
  assert.equal(invalidId("🦊".repeat(129)), "id is 129 characters, limit is 128");
  assert.equal(invalidId("x".repeat(129)), "id is 129 characters, limit is 128");
  assert.equal(invalidId("x".repeat(10_000_000)), "id is 10000000 characters, limit is 128");
  const type = "t".repeat(MAX_TYPE_CHARACTERS + 1);
  assert.equal(
    reason(`{"id":"1","type":"${type}","payload":{}}`),
    "message type is 65 characters, limit is 64",
  );
});

Deno.test("control, format and surrogate characters in an id are named by code point", () => {
  const cases: [string, string][] = [
    ["a\nb", "U+000A"],
    ["\0", "U+0000"],
    ["\x7f", "U+007F"],
    ["\u202e", "U+202E"],
    ["\u2028", "U+2028"],
    ["\ud800", "U+D800"],
    ["\udc00x", "U+DC00"],
    ["\ufeff", "U+FEFF"],
    ["\u{e0001}", "U+E0001"],
  ];
  for (const [id, shown] of cases) {
    assert.equal(invalidId(id), `id has a character that is not printable: ${shown}`);
  }
});

Deno.test("a byte order mark before the JSON is refused", () => {
  assert.match(reason('\ufeff{"id":"1","type":"work","payload":{}}'), /not valid JSON/);
});

Deno.test("of a field that stands twice the last one counts", () => {
  const parsed = parseMessage('{"id":"1","id":"2","type":"work","payload":[],"payload":{}}');
  assert.equal(parsed.kind === "ok" && parsed.message.id, "2");
});

Deno.test("__proto__ in a message changes nobody's prototype", () => {
  const parsed = parseMessage(
    '{"id":"1","type":"work","payload":{},"__proto__":{"lease":"stolen"}}',
  );
  assert.equal(parsed.kind === "ok" && parsed.message.lease, undefined);
  assert.equal(reason('{"__proto__":{"id":"1","type":"work","payload":{}}}').includes("id"), true);
  assert.equal(({} as Record<string, unknown>).lease, undefined);
});

Deno.test("JSON of 100,000 levels neither throws nor overflows the stack", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const parsed = parseMessage(`{"id":"1","type":"work","payload":{"deep":${deep}}}`);
  assert.equal(parsed.kind, "ok");
  assert.match(reason("[".repeat(100_000)), /not valid JSON/);
});

Deno.test("formatMessage refuses ids and types that no parser would take", () => {
  assert.throws(
    () => formatMessage("", "work", {}),
    /^TypeError: Cannot make a message: id is empty/,
  );
  assert.throws(() => formatMessage("1", "a\nb", {}), /type has a character that is not printable/);
});

const work = (type: string) => JSON.stringify({ id: "1", type, payload: {} });

Deno.test("work may have any type but the protocol's own", () => {
  for (const type of ["work", "result", "agent", "relay", "agents.x", "x.agent.y", "Agent.x"]) {
    assert.equal(parseWork(work(type)).kind, "ok", type);
  }
  for (const type of ["relay.cancel", "relay.", "agent.ask", "agent."]) {
    assert.deepEqual(parseWork(work(type)), {
      kind: "invalid",
      reason: `message type is "${type}", types that begin with relay. or agent. are reserved`,
      id: "1",
    });
  }
});

Deno.test("work that is no message has the message's reason", () => {
  assert.match(JSON.stringify(parseWork("[]")), /"kind":"invalid"/);
});
