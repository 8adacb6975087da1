/**
 * Cutting text so that its JSON form fits: a quote takes two bytes there, a control character six.
 *
 * @module
 */

/**
 * The beginning of a text that takes at most so many bytes within a JSON string, in UTF-8 and
 * without the quotes around it; no character is cut in two.
 */
export function cutEnd(text: string, maxBytes: number): string {
  let left = maxBytes;
  let end = 0;
  while (end < text.length) {
    const code = text.codePointAt(end) ?? 0;
    left -= jsonBytes(code);
    if (left < 0) break;
    end += code > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

/** The same of a text's end. */
export function cutBeginning(text: string, maxBytes: number): string {
  let left = maxBytes;
  let start = text.length;
  while (start > 0) {
    const isPair = isLowSurrogate(text.charCodeAt(start - 1)) && start > 1;
    const code = text.codePointAt(isPair ? start - 2 : start - 1) ?? 0;
    left -= jsonBytes(code);
    if (left < 0) break;
    start -= code > 0xffff ? 2 : 1;
  }
  return text.slice(start);
}

/** The size of a value's JSON form, in bytes of UTF-8. */
export function jsonSize(value: object): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

const SHORT_ESCAPES = '"\\\b\f\n\r\t';

function jsonBytes(code: number): number {
  if (code < 0x20 || code === 0x22 || code === 0x5c) {
    return SHORT_ESCAPES.includes(String.fromCharCode(code)) ? 2 : 6;
  }
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  if (code >= 0xd800 && code <= 0xdfff) return 6; // A lone surrogate is escaped.
  return code > 0xffff ? 4 : 3;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
