/**
 * Requests made from /openapi.json itself, allowed ones and arbitrary ones: none is answered with
 * 500, every answer is as it is documented, and what the document allows is not called malformed.
 */
import fc from "fast-check";
import assert from "node:assert/strict";
import {
  type DocumentedParameter,
  operationsOf,
  type PlacedOperation,
  type Schema,
} from "./testing/api_document.ts";
import { startTestApi, type TestApi } from "./testing/test_api.ts";

const RUNS = 60;
const MALFORMED = [400, 415];

interface MadeRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** Values that a schema of a parameter allows, as far as our document's schemas go. */
function allowedBy(schema: Schema): fc.Arbitrary<string> {
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum.map(String));
  if (typeof schema.pattern === "string") {
    return fc.stringMatching(new RegExp(schema.pattern));
  }
  switch (schema.type) {
    case "integer":
      return fc.integer({
        min: Number(schema.minimum ?? 1),
        max: Number(schema.maximum ?? 1_000_000),
      }).map(String);
    case "boolean":
      return fc.boolean().map(String);
    default:
      return typeof schema.example === "string"
        ? fc.constant(schema.example)
        : fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(..."abcXYZ019_-") });
  }
}

const anything = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ maxLength: 20, unit: "binary" }),
  fc.constantFrom(
    "",
    "*",
    ">",
    "..",
    "0",
    "-1",
    "1e9",
    "null",
    "%",
    "a.b",
    "\u0000",
    "NaN",
    "x".repeat(5_000),
  ),
);

/** A text of JSON, mostly. */
const anyBody = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.string({ maxLength: 200 }),
  fc.record({
    id: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
    type: fc.oneof(fc.string(), fc.boolean()),
    payload: fc.oneof(fc.object({ maxDepth: 3 }), fc.jsonValue()),
    message: fc.oneof(fc.string(), fc.integer()),
  }, { requiredKeys: [] }).map((body) => JSON.stringify(body)),
);

const allowedBody = fc.record({
  id: fc.option(fc.stringMatching(/^[a-z0-9]{1,64}$/), { nil: undefined }),
  type: fc.option(fc.constantFrom("work", "task.review"), { nil: undefined }),
  payload: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 3 })),
  // Of an answer.
  answer: fc.string({ minLength: 1, maxLength: 50 }),
  by: fc.option(fc.string({ minLength: 1, maxLength: 50 }), { nil: undefined }),
}).map((body) => JSON.stringify(body));

function parameters(
  { operation }: PlacedOperation,
  values: (parameter: DocumentedParameter) => fc.Arbitrary<string>,
): fc.Arbitrary<Record<string, string | undefined>> {
  const made = (operation.parameters ?? []).map((parameter) => [
    `${parameter.in}:${parameter.name}`,
    parameter.required ? values(parameter) : fc.option(values(parameter), { nil: undefined }),
  ]);
  return fc.record(Object.fromEntries(made));
}

function request(
  { path, operation }: PlacedOperation,
  values: Record<string, string | undefined>,
  body: string | undefined,
): MadeRequest {
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let filled = path;
  for (const [key, value] of Object.entries(values)) {
    const [place, name = ""] = key.split(/:(.*)/s);
    if (value === undefined) continue;
    if (place === "path") filled = filled.replace(`{${name}}`, encoded(value));
    else if (place === "query") query.set(name, value);
    // What no HTTP client can send, none does.
    else if (/^[\x20-\x7e]*$/.test(value)) headers[name] = value;
  }
  if (operation.requestBody !== undefined) headers["content-type"] = "application/json";
  const text = query.size === 0 ? filled : `${filled}?${query}`;
  return { path: text, headers, body: operation.requestBody && body };
}

/** A lone surrogate has no encoding. */
function encoded(value: string): string {
  return encodeURIComponent(value.toWellFormed()) || "%20";
}

/** @returns The status. Streams are looked at, not read. */
async function ask(
  api: TestApi,
  { method, path: template }: PlacedOperation,
  made: MadeRequest,
): Promise<number> {
  const { path, headers, body } = made;
  if (template !== "/api/events") {
    return (await api.fetch(path, { method, headers, body })).status;
  }
  const response = await fetch(`${api.url}${path}`, { headers });
  const text = response.ok ? undefined : await response.text();
  await response.body?.cancel().catch(() => {});
  api.contract.check(method, template, {
    status: response.status,
    headers: response.headers,
    text,
  });
  return response.status;
}

Deno.test("whatever is asked, the answer is a documented one, and never 500", async (test) => {
  await using api = await startTestApi();
  for (const operation of operationsOf(api.contract.document)) {
    await test.step(`${operation.method} ${operation.path}`, async () => {
      const values = parameters(operation, ({ schema }) => fc.oneof(allowedBy(schema), anything));
      await fc.assert(
        fc.asyncProperty(values, anyBody, async (given, body) => {
          assert.ok(await ask(api, operation, request(operation, given, body)) < 500);
        }),
        { numRuns: RUNS },
      );
    });
  }
});

Deno.test("what the document allows is not called malformed", async (test) => {
  await using api = await startTestApi();
  for (const operation of operationsOf(api.contract.document)) {
    await test.step(`${operation.method} ${operation.path}`, async () => {
      const values = parameters(operation, ({ schema }) => allowedBy(schema));
      await fc.assert(
        fc.asyncProperty(values, allowedBody, async (given, body) => {
          // Waiting for results that nobody makes takes as long as is asked for.
          const { "header:prefer": _, ...quick } = given;
          const status = await ask(api, operation, request(operation, quick, body));
          assert.ok(!MALFORMED.includes(status), `${status}`);
        }),
        { numRuns: RUNS },
      );
    });
  }
});

Deno.test("an unknown path, or an unknown method of a known one, is a problem", async () => {
  await using api = await startTestApi();
  const paths = operationsOf(api.contract.document).map(({ path }) => path);
  const methods = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE");
  const path = fc.oneof(
    fc.constantFrom(...paths).map((path) => path.replaceAll(/\{\w+\}/g, "1")),
    fc.webPath(),
    fc.array(fc.string({ maxLength: 10 }), { maxLength: 4 }).map((parts) =>
      `/${parts.map(encoded).join("/")}`
    ),
  ).filter((path) => path !== "/api/events");
  await fc.assert(
    fc.asyncProperty(methods, path, async (method, path) => {
      const answer = await api.fetch(path, { method });
      assert.ok(answer.status < 500, `${method} ${path}: ${answer.status}`);
      if (answer.status === 405) assert.ok(answer.headers.get("allow"));
    }),
    { numRuns: 300 },
  );
});
