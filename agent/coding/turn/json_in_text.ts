/**
 * JSON values in what a model says: models put words around them, and fences.
 *
 * @module
 */

const MAX_CHARACTERS = 2 ** 20;
const MAX_VALUES = 20;
const FENCE = /^[ \t]*(`{3,}|~{3,})[^\n]*\n([\s\S]*?)\n?^[ \t]*\1[ \t]*$/gm;

/**
 * The JSON values in a text, the likeliest first: the whole text, then fenced blocks and then
 * objects and lists within the words, the last of each first.
 *
 * @returns At most 20 values; none from a text beyond 1 MiB.
 */
export function jsonValuesIn(text: string): unknown[] {
  if (text.length > MAX_CHARACTERS) return [];
  const whole = parsed(text);
  if (whole !== undefined) return [whole.value];
  const fenced = [...text.matchAll(FENCE)].slice(-MAX_VALUES).map(([, , content = ""]) => content);
  const candidates = [...fenced.reverse(), ...bracketed(text).reverse()].slice(0, MAX_VALUES);
  const values = parsedOnes(candidates);
  return values.length > 0 ? values : parsedOnes(endings(text)).slice(0, 1);
}

/** What begins at one of the first brackets and ends with the last: a bracket was a word's. */
function endings(text: string): string[] {
  const end = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]")) + 1;
  const starts = [...text.matchAll(/[[{]/g)].slice(0, MAX_VALUES);
  return starts.flatMap(({ index }) => index < end ? [text.slice(index, end)] : []);
}

function parsedOnes(candidates: readonly string[]): unknown[] {
  return candidates.flatMap((candidate) => {
    const found = parsed(candidate);
    return found === undefined ? [] : [found.value];
  });
}

/** The outermost objects and lists, found by their brackets; in one pass. */
function bracketed(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isInString) {
      if (character === "\\") at++;
      else if (character === '"') isInString = false;
      // A string in JSON has no line break: it was a quote among words.
      else if (character === "\n") isInString = false;
    } else if (character === '"') isInString = depth > 0;
    else if (character === "{" || character === "[") {
      if (depth === 0) start = at;
      depth++;
    } else if ((character === "}" || character === "]") && depth > 0) {
      depth--;
      if (depth === 0) found.push(text.slice(start, at + 1));
    }
  }
  return found.slice(-MAX_VALUES);
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
