/**
 * JSON texts from outside: checked without recursion, however deep they are, and read without
 * changing a number.
 *
 * @module
 */

/** What {@linkcode checkJson} found. */
export type JsonCheck =
  | { readonly kind: "ok" }
  | { readonly kind: "invalid"; readonly reason: string };

/** What may come next. */
type Expected =
  | "a value"
  | "a value or ]"
  | "a name in quotes"
  | "a name in quotes or }"
  | ":"
  | "next";

const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * Whether a text is JSON (RFC 8259).
 *
 * @param options `maxDepth`: as many objects and arrays may be open at once.
 * @returns If it is not: why, with line and column.
 */
export function checkJson(text: string, { maxDepth }: { readonly maxDepth: number }): JsonCheck {
  const open: string[] = [];
  let expected: Expected = "a value";
  for (let at = 0;;) {
    at = endOf(SPACE, text, at) ?? at;
    const character = text[at];
    const inside = open.at(-1);
    if (expected === "next") {
      if (inside === undefined && character === undefined) return { kind: "ok" };
      if (inside !== undefined && character === ",") {
        expected = inside === "{" ? "a name in quotes" : "a value";
        at++;
        continue;
      }
    }
    const closes = inside === "{" ? "}" : "]";
    const mayClose = expected === "a name in quotes or }" || expected === "a value or ]" ||
      expected === "next";
    if (mayClose && inside !== undefined && character === closes) {
      open.pop();
      expected = "next";
      at++;
      continue;
    }
    const end = after(text, at, expected);
    if (end === undefined) return unexpected(text, at, { expected, inside });
    if (typeof end === "object") return invalid(text, end.at, end.reason);
    if (expected === ":") expected = "a value";
    else if (expected === "a name in quotes" || expected === "a name in quotes or }") {
      expected = ":";
    } else if (character === "{" || character === "[") {
      if (open.push(character) > maxDepth) {
        return invalid(text, at, `nested deeper than ${maxDepth}`);
      }
      expected = character === "{" ? "a name in quotes or }" : "a value or ]";
    } else expected = "next";
    at = end;
  }
}

/**
 * The value of a text that is JSON. A number that JavaScript cannot hold is an object that
 * `JSON.stringify` writes as it stood.
 */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, exactly as (key: string, value: unknown) => unknown);
}

function exactly(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== "number" || source === undefined || String(value) === source) return value;
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source);
}

/** Where what is expected ends; undefined if it is something else. */
function after(
  text: string,
  at: number,
  expected: Expected,
): number | { readonly at: number; readonly reason: string } | undefined {
  const character = text[at];
  switch (expected) {
    case "next":
      return undefined;
    case ":":
      return character === ":" ? at + 1 : undefined;
    case "a name in quotes":
    case "a name in quotes or }":
      return character === '"' ? stringEnd(text, at) : undefined;
    case "a value":
    case "a value or ]":
      if (character === "{" || character === "[") return at + 1;
      return character === '"' ? stringEnd(text, at) : endOf(SCALAR, text, at);
  }
}

function stringEnd(
  text: string,
  start: number,
): number | { readonly at: number; readonly reason: string } {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return { at, reason: "a control character in a string" };
    if (code !== 0x5c) continue;
    const end = endOf(ESCAPE, text, at + 1);
    if (end === undefined) return { at, reason: "an escape that JSON does not have" };
    at = end - 1;
  }
  return { at: start, reason: "a string without an end" };
}

/** @param pattern A sticky one. */
function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function unexpected(
  text: string,
  at: number,
  { expected, inside }: { readonly expected: Expected; readonly inside: string | undefined },
): JsonCheck {
  const next = inside === undefined ? "its end" : inside === "{" ? ", or }" : ", or ]";
  const wanted = expected === "next" ? next : expected;
  const character = text.codePointAt(at);
  const found = character === undefined
    ? "it ends"
    : `it has ${JSON.stringify(String.fromCodePoint(character))}`;
  return invalid(text, at, `${found} instead of ${wanted}`);
}

function invalid(text: string, at: number, reason: string): JsonCheck {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  const column = at - before.lastIndexOf("\n");
  return { kind: "invalid", reason: `${reason}, at line ${line}, column ${column}` };
}
