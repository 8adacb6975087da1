/**
 * Compares what the API really answers with what /openapi.json says of it: the status is
 * documented, the content type too, and the body is what its schema says, no field more.
 *
 * @module
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import assert from "node:assert/strict";
import { type ApiDocument, operationsOf, type PlacedOperation } from "./api_document.ts";

/** A response, read to its end. */
export interface ReadResponse {
  readonly status: number;
  readonly headers: Headers;
  /** `undefined` if it does not end: then only its head is compared. */
  readonly text: string | undefined;
}

const DOCUMENT = "openapi";
const PROBLEM = "application/problem+json";

/** Checks the API's answers against its own description. */
export class ApiContract {
  readonly document: ApiDocument;
  /** What has been compared: `GET /health 200`. */
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();

  /** Reads it. @param url The API's. */
  static async read(url: string): Promise<ApiContract> {
    const response = await fetch(`${url}/openapi.json`);
    return new ApiContract(await response.json());
  }

  constructor(document: ApiDocument) {
    this.document = document;
    formats.default(this.#ajv);
    this.#ajv.addSchema({ $id: DOCUMENT, ...closed(document) as object });
  }

  /** What an operation answers to, by its method and path; HEAD is GET's. */
  find(method: string, path: string): PlacedOperation | undefined {
    const wanted = method === "HEAD" ? "GET" : method;
    return operationsOf(this.document).find((operation) =>
      operation.method === wanted && pattern(operation.path).test(path)
    );
  }

  /**
   * Compares.
   *
   * @param path The one that was asked for, without its query.
   * @throws {assert.AssertionError} If the document says something else.
   */
  check(method: string, path: string, response: ReadResponse): void {
    const placed = this.find(method, path);
    const shown = `${method} ${path.slice(0, 200)} answered ${response.status}`;
    if (placed === undefined) {
      if (response.status >= 400) this.#checkProblem(shown, response);
      return;
    }
    const { status } = response;
    this.seen.add(`${placed.method} ${placed.path} ${status}`);
    const documented = placed.operation.responses[status];
    assert.ok(documented, `${shown}, which is not documented: ${response.text?.slice(0, 500)}`);
    if (status >= 400 && placed.path !== "/health") this.#checkProblem(shown, response);
    const type = mediaType(response);
    const allowed = Object.keys(documented.content ?? {});
    if (allowed.length === 0) return assert.equal(type, "", `${shown} with a body`);
    assert.ok(allowed.includes(type), `${shown} with ${type}, documented are ${allowed}`);
    if (response.text === undefined || method === "HEAD" || !type.endsWith("json")) return;
    const place = ["paths", placed.path, placed.method.toLowerCase(), "responses", `${status}`];
    this.#checkBody(shown, [...place, "content", type, "schema"], response.text);
  }

  /** Operations with a success that has not been seen. */
  unseen(): string[] {
    const successes = operationsOf(this.document).flatMap(({ method, path, operation }) =>
      Object.keys(operation.responses).filter((status) => status.startsWith("2"))
        .map((status) => `${method} ${path} ${status}`)
    );
    return successes.filter((success) => !this.seen.has(success));
  }

  #checkProblem(shown: string, response: ReadResponse): void {
    assert.equal(mediaType(response), PROBLEM, `${shown}: ${response.text?.slice(0, 500)}`);
    // The answer to a HEAD has no body.
    if (!response.text) return;
    this.#checkBody(shown, ["components", "schemas", "Problem"], response.text);
    const { status } = JSON.parse(response.text);
    assert.equal(status, response.status, `${shown}, its problem says ${status}`);
  }

  #checkBody(shown: string, place: readonly string[], text: string): void {
    const pointer = `${DOCUMENT}#/${place.map(escaped).join("/")}`;
    const validate = this.#validators.get(pointer) ?? this.#ajv.compile({ $ref: pointer });
    this.#validators.set(pointer, validate);
    const body: unknown = JSON.parse(text);
    const valid = validate(body);
    const errors = this.#ajv.errorsText(validate.errors, { separator: "\n  " });
    assert.ok(valid, `${shown}:\n  ${errors}\nin ${text.slice(0, 2_000)}`);
  }
}

function mediaType({ headers }: ReadResponse): string {
  return headers.get("content-type")?.split(";")[0]?.trim() ?? "";
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

/** For a JSON Pointer that is the fragment of a URI. */
function escaped(name: string): string {
  return encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));
}

/**
 * The same document, whose schemas refuse fields that they don't name. The members of an `allOf`,
 * and schemas that may be one, stay open: those who refer to them are closed.
 */
function closed(value: unknown, options: { readonly open?: boolean } = {}): unknown {
  if (Array.isArray(value)) return value.map((item) => closed(item));
  if (typeof value !== "object" || value === null) return value;
  const schema = value as Record<string, unknown>;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, part]) => {
      const members = key === "allOf" && Array.isArray(part);
      if (members) return [key, part.map((member) => closed(member, { open: true }))];
      if (key === "schemas") return [key, openComponents(part)];
      return [key, closed(part)];
    }),
  );
  const names = "$ref" in schema || "allOf" in schema || typeof schema.properties === "object";
  const closes = names && !options.open && schema.additionalProperties === undefined;
  return closes ? { ...inner, unevaluatedProperties: false } : inner;
}

function openComponents(schemas: unknown): unknown {
  return Object.fromEntries(
    Object.entries(schemas as object).map(([name, schema]) => [
      name,
      closed(schema, { open: true }),
    ]),
  );
}
