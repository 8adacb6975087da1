/**
 * Paths as git has them: bytes, mostly UTF-8, but not always.
 *
 * @module
 */

/** Splits output of git's option `-z`. */
export function splitNul(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return parts;
}

/**
 * A path as text, different for different paths: itself, or as git quotes it (`"a\377b"`) if it is
 * not UTF-8 or begins with a quote.
 */
export function pathText(bytes: Uint8Array): string {
  const text = utf8(bytes);
  return text !== undefined && !text.startsWith('"') ? text : quoted(bytes);
}

/** Text of bytes; undefined if they are not UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function quoted(bytes: Uint8Array): string {
  const text = [...bytes].map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
    return `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${text.join("")}"`;
}

/** A path as git writes it in a patch: quoted where it has odd characters. */
export function unquotedPath(text: string): string {
  if (!/^".*"$/s.test(text)) return text;
  const bytes: number[] = [];
  const parts = text.slice(1, -1).match(/\\[0-7]{3}|\\.|[^\\]+/gs) ?? [];
  for (const part of parts) {
    if (!part.startsWith("\\")) bytes.push(...new TextEncoder().encode(part));
    else if (part.length === 4) bytes.push(parseInt(part.slice(1), 8) & 0xff);
    else bytes.push(ESCAPES[part.slice(1)] ?? part.charCodeAt(1));
  }
  return pathText(Uint8Array.from(bytes));
}

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };
