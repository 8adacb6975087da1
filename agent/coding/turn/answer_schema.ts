/**
 * `payload.schema`: the JSON Schema that a work item's answer must be valid for.
 *
 * The schema comes with the work, so it is not trusted: it is bounded in size and depth, refers to
 * nothing outside of itself, and compiling and checking are ended after `MAX_MS`, also in the middle
 * of a regular expression.
 *
 * @module
 */
import vm from "node:vm";
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv/dist/ajv.js";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { WorkError } from "../../errors.ts";
import { jsonValuesIn } from "./json_in_text.ts";
import { shown } from "./shortened.ts";

/** What became of an answer. */
export type AnswerCheck =
  | { readonly kind: "ok"; readonly value: unknown }
  /** It is no JSON, or not valid: what is wrong, for the agent and for people. */
  | { readonly kind: "mismatch"; readonly errors: readonly string[] }
  /** The schema cannot be applied to it in time. */
  | { readonly kind: "invalid_schema"; readonly reason: string };

const MAX_BYTES = 65_536;
const MAX_DEPTH = 64;
const MAX_ERRORS = 20;
const MAX_ERROR_CHARACTERS = 500;
const MAX_SHOWN = 200;
const MAX_MS = 2_000;
const OPTIONS: Options = { strict: false, allErrors: true, validateFormats: true, logger: false };
const DIALECTS: ReadonlyArray<readonly [RegExp, () => Ajv]> = [
  [/^https?:\/\/json-schema\.org\/draft-07\/schema#?$/, () => new Ajv(OPTIONS)],
  [/^https?:\/\/json-schema\.org\/draft\/2019-09\/schema#?$/, () => new Ajv2019(OPTIONS)],
  [/^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/, () => new Ajv2020(OPTIONS)],
];
/** Their values are data, not schemas. */
const DATA = new Set(["const", "enum", "default", "examples"]);
const REFERENCES = new Set(["$ref", "$dynamicRef", "$recursiveRef"]);

/** A schema that answers are checked against, within limits of size and time. */
export class AnswerSchema {
  /** Its JSON text, for the prompt. */
  readonly text: string;
  readonly #validate: ValidateFunction;

  /** @throws {WorkError} `invalid_schema`, before an agent is asked for anything. */
  constructor(schema: unknown) {
    if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
      throw invalid(`it is ${shown(schema, MAX_SHOWN)}, it must be an object`);
    }
    this.text = JSON.stringify(schema, undefined, 2);
    const bytes = new TextEncoder().encode(JSON.stringify(schema)).length;
    if (bytes > MAX_BYTES) throw invalid(`it is ${bytes} bytes, limit is ${MAX_BYTES}`);
    inspect(schema, "", 0);
    this.#validate = compiled(schema as Record<string, unknown>);
  }

  /** Checks an answer: JSON alone, in a fenced block, or anywhere in the text. */
  check(text: string): AnswerCheck {
    const values = jsonValuesIn(text);
    if (values.length === 0) {
      return { kind: "mismatch", errors: ["there is no JSON in the answer"] };
    }
    try {
      return withinTime(() => this.#firstValid(values));
    } catch (error) {
      return { kind: "invalid_schema", reason: reasonOf(error, "checking the answer") };
    }
  }

  /** The first of the values that is valid, else what is wrong with the likeliest. */
  #firstValid(values: readonly unknown[]): AnswerCheck {
    let errors: string[] | undefined;
    for (const value of values) {
      if (this.#validate(value)) return { kind: "ok", value };
      errors ??= errorTexts(this.#validate.errors ?? []);
    }
    return { kind: "mismatch", errors: errors ?? [] };
  }
}

function compiled(schema: Record<string, unknown>): ValidateFunction {
  const { $schema: dialect = "https://json-schema.org/draft/2020-12/schema" } = schema;
  const make = typeof dialect === "string"
    ? DIALECTS.find(([uri]) => uri.test(dialect))?.[1]
    : undefined;
  if (make === undefined) {
    throw invalid(
      `its $schema is ${shown(dialect, MAX_SHOWN)}, allowed are draft-07, 2019-09 and 2020-12`,
    );
  }
  try {
    return withinTime(() => {
      const ajv = make();
      formats.default(ajv);
      return ajv.compile(schema);
    });
  } catch (error) {
    throw invalid(reasonOf(error, "compiling it"));
  }
}

/** Refuses what reaches beyond the schema, or is too deep for a compiler. */
function inspect(value: unknown, place: string, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > MAX_DEPTH) throw invalid(`it is nested deeper than ${MAX_DEPTH} levels`);
  for (const [name, field] of Object.entries(value)) {
    if (DATA.has(name)) continue;
    const at = `${place}/${name}`;
    if (REFERENCES.has(name) && typeof field === "string" && !field.startsWith("#")) {
      throw invalid(
        `${at} is ${shown(field, MAX_SHOWN)}, references must be within the schema: "#/…"`,
      );
    }
    if (name === "$async" && field === true) throw invalid(`${at} is true, it must be left out`);
    inspect(field, at, depth + 1);
  }
}

/** Runs something that may take forever; V8 ends it even within a regular expression. */
function withinTime<T>(run: () => T): T {
  let result: { readonly value: T } | undefined;
  vm.runInNewContext("run()", { run: () => void (result = { value: run() }) }, { timeout: MAX_MS });
  if (result === undefined) throw new Error("it was ended");
  return result.value;
}

function reasonOf(error: unknown, what: string): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === "ERR_SCRIPT_EXECUTION_TIMEOUT" || /timed out/.test(String(message))) {
    return `${what} took more than ${MAX_MS} ms`;
  }
  if (error instanceof RangeError) return `${what} went too deep`;
  return String(message).slice(0, MAX_ERROR_CHARACTERS);
}

function errorTexts(errors: readonly ErrorObject[]): string[] {
  const texts = errors.slice(0, MAX_ERRORS).map(({ instancePath, message, keyword, params }) => {
    const place = instancePath === "" ? "the answer" : instancePath;
    const more = keyword === "enum"
      ? `: ${shown(params.allowedValues, MAX_SHOWN)}`
      : keyword === "additionalProperties"
      ? `: ${shown(params.additionalProperty, MAX_SHOWN)}`
      : "";
    return `${place} ${message ?? keyword}${more}`.slice(0, MAX_ERROR_CHARACTERS).toWellFormed();
  });
  const left = errors.length - texts.length;
  return left > 0 ? [...texts, `and ${left} more`] : texts;
}

function invalid(reason: string): WorkError {
  return new WorkError("invalid_schema", `Cannot use payload.schema: ${reason}`);
}
