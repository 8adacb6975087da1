/**
 * Takes the lease out of an agent's message: it is for its relay alone, and everybody who reads
 * results would have it else.
 *
 * @module
 */

/**
 * Takes the field `lease` with a value off a message's text, whose other characters stay as they
 * are. Where it stands at the end, as our SDK puts it, nothing else is looked at. Otherwise the text
 * is gone through once, however long it is and however often it has the field: agents send it.
 *
 * @param text A JSON object.
 */
export function stripLease(text: string, lease: string): string {
  const tail = `,"lease":"${lease}"}`;
  return text.endsWith(tail) ? `${text.slice(0, -tail.length)}}` : stripFields(text, lease);
}

/** The same wherever the field stands, with the comma that goes with it. */
function stripFields(text: string, lease: string): string {
  const kept: string[] = [];
  let keptTo = 0;
  let comma: number | undefined;
  for (let at = skipBlanks(text, text.indexOf("{") + 1); text[at] === '"';) {
    const keyEnd = stringEnd(text, at);
    const value = skipBlanks(text, skipBlanks(text, keyEnd) + ":".length);
    const end = valueEnd(text, value);
    const hasNext = text[end] === ",";
    const isLease = isText(text, at, keyEnd, "lease") &&
      isText(text, value, stringEnd(text, value), lease);
    if (isLease) {
      // The comma before it, or behind it where nothing is left before it.
      kept.push(text.slice(keptTo, comma ?? at));
      keptTo = comma === undefined && hasNext ? end + 1 : end;
    }
    if (!hasNext) break;
    if (!isLease || comma !== undefined) comma = end;
    at = skipBlanks(text, end + 1);
  }
  return kept.length === 0 ? text : kept.join("") + text.slice(keptTo);
}

/** Whether a string of JSON, from one place to another, is this text. */
function isText(text: string, start: number, end: number, wanted: string): boolean {
  return text[start] === '"' && JSON.parse(text.slice(start, end)) === wanted;
}

/** Where a value ends that begins at a place: at a comma or bracket, blanks included. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = stringEnd(text, at) - 1;
    else if (character === "{" || character === "[") depth++;
    else if (depth === 0 && (character === "," || character === "}")) return at;
    else if (character === "}" || character === "]") depth--;
  }
  return text.length;
}

/** Behind the string that begins at a place. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (at < text.length && " \t\r\n".includes(text[at] ?? "")) at++;
  return at;
}
