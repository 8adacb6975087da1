/**
 * JSON texts from outside: checked, however deep they are, and read without changing a number.
 *
 * @module
 */

/** What {@linkcode checkJson} found. */
export type JsonCheck =
  | { readonly kind: "ok" }
  | { readonly kind: "invalid"; readonly reason: string };

const STRING = /"(?:[^"\\]|\\.)*"/g;

/**
 * Whether a text is JSON (RFC 8259), and not too deep for those who read it with recursion.
 *
 * @param options `maxDepth`: how many objects and arrays may be open at once.
 * @returns If it is not: why, in the words of `JSON.parse`, mostly with line and column.
 */
export function checkJson(text: string, { maxDepth }: { readonly maxDepth: number }): JsonCheck {
  try {
    JSON.parse(text);
  } catch (error) {
    return { kind: "invalid", reason: (error as SyntaxError).message };
  }
  return isDeeper(text, maxDepth)
    ? { kind: "invalid", reason: `nested deeper than ${maxDepth}` }
    : { kind: "ok" };
}

function isDeeper(json: string, maxDepth: number): boolean {
  let depth = 0;
  for (const character of json.replaceAll(STRING, "")) {
    if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    if (depth > maxDepth) return true;
  }
  return false;
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
