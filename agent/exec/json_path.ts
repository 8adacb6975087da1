import { OptionError } from "../errors.ts";

/** A place in a JSON value: `.a.b`, `.a[0].b`, `.["any name"]`; `.` is the value itself. */
export interface JsonPath {
  /** As it was written. */
  readonly text: string;
  readonly steps: readonly (string | number)[];
}

const STEP = /\.?\["((?:[^"\\]|\\.)*)"\]|\.?\[(\d{1,9})\]|\.([A-Za-z_][\w-]*)/y;

/**
 * Reads a path as `jq` does, as far as it names one place.
 *
 * @param option What it was given as, for the error: `--error-if`.
 * @throws {OptionError}
 *
 * @example
 * ```ts
 * import { parseJsonPath, valueAt } from "./json_path.ts";
 * import assert from "node:assert/strict";
 *
 * const path = parseJsonPath(".errors[0].text", "--error-if");
 * assert.equal(valueAt({ errors: [{ text: "why" }] }, path), "why");
 * assert.equal(valueAt({}, path), undefined);
 * ```
 */
export function parseJsonPath(text: string, option: string): JsonPath {
  if (text === ".") return { text, steps: [] };
  const steps: (string | number)[] = [];
  let end = 0;
  while (end < text.length && text.startsWith(".")) {
    STEP.lastIndex = end;
    const [whole = "", quoted, index, name = ""] = STEP.exec(text) ?? [];
    const step = quoted === undefined
      ? index === undefined ? name : Number(index)
      : unquoted(quoted);
    if (whole === "" || step === undefined) break;
    steps.push(step);
    end += whole.length;
  }
  if (steps.length > 0 && end === text.length) return { text, steps };
  throw new OptionError(
    `${option} is ${JSON.stringify(text)}, it must be a path like .is_error or .errors[0].text`,
  );
}

/** What is there, or undefined. */
export function valueAt(value: unknown, { steps }: JsonPath): unknown {
  let place = value;
  for (const step of steps) {
    if (typeof place !== "object" || place === null) return undefined;
    if (Array.isArray(place) !== (typeof step === "number")) return undefined;
    if (!Object.hasOwn(place, step)) return undefined;
    place = (place as Record<string | number, unknown>)[step];
  }
  return place;
}

/** Whether a value says that something is so: not `false`, `null`, 0 and what is empty. */
export function isSo(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function unquoted(text: string): string | undefined {
  try {
    return JSON.parse(`"${text}"`);
  } catch {
    return undefined;
  }
}
