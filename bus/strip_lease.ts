/**
 * Takes the lease out of an agent's message: it is for its relay alone, and everybody who reads
 * results would have it else.
 *
 * @module
 */

/** A value in JSON: a string, or what goes on to the next comma or bracket. */
const STRING = /"(?:[^"\\]|\\.)*"/y;
const BLANKS = /[ \t\r\n]*/y;

/**
 * Takes the field `lease` with a value off a message's text, whose other characters stay as they
 * are. Where it stands at the end, as our SDK puts it, nothing else is looked at.
 *
 * @param text A JSON object.
 */
export function stripLease(text: string, lease: string): string {
  const tail = `,"lease":"${lease}"}`;
  return text.endsWith(tail) ? `${text.slice(0, -tail.length)}}` : stripFields(text, lease);
}

/** The same wherever the field stands, and however often. */
function stripFields(text: string, lease: string): string {
  let kept = text;
  for (let field = find(kept, lease); field !== undefined; field = find(kept, lease)) {
    kept = kept.slice(0, field.start) + kept.slice(field.end);
  }
  return kept;
}

interface Field {
  readonly start: number;
  readonly end: number;
}

/** Where the field stands, with the comma that goes with it. */
function find(text: string, lease: string): Field | undefined {
  let depth = 0;
  let comma: number | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (character === "," && depth === 1) comma = at;
    if (character !== '"') continue;
    const key = match(STRING, text, at);
    const colon = skip(text, at + key.length);
    if (depth !== 1 || text[colon] !== ":" || JSON.parse(key) !== "lease") {
      at += key.length - 1;
      continue;
    }
    const value = skip(text, colon + 1);
    const end = valueEnd(text, value);
    if (text[value] !== '"' || JSON.parse(match(STRING, text, value)) !== lease) {
      at = end - 1;
      continue;
    }
    if (comma !== undefined) return { start: comma, end };
    const next = skip(text, end);
    return { start: at, end: text[next] === "," ? next + 1 : end };
  }
  return undefined;
}

/** Where a value ends that begins at a place. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at += match(STRING, text, at).length - 1;
    else if (character === "{" || character === "[") depth++;
    else if (depth === 0 && (character === "," || character === "}")) return at;
    else if (character === "}" || character === "]") depth--;
  }
  return text.length;
}

function skip(text: string, at: number): number {
  return at + match(BLANKS, text, at).length;
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}
