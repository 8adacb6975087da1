/**
 * Text from bytes that may not be UTF-8, and how many bytes text takes.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Three times as fast as {@linkcode STRICT}, but puts U+FFFD in the place of what is not UTF-8. */
const LENIENT = new TextDecoder();
const STRICT = new TextDecoder("utf-8", { fatal: true });
const UTF8 = new TextEncoder();

/** @returns The text, or `undefined` if it is not UTF-8. */
export function decodeUtf8(data: Uint8Array): string | undefined {
  const text = LENIENT.decode(data);
  if (!text.includes("\ufffd")) return text;
  try {
    return STRICT.decode(data);
  } catch {
    return undefined;
  }
}

/** The size of a text in bytes of UTF-8 if it is above the limit, else `undefined`. */
export function bytesBeyond(text: string, maxBytes: number): number | undefined {
  // No UTF-16 unit takes more than three bytes.
  if (text.length * 3 <= maxBytes) return undefined;
  const bytes = UTF8.encode(text).length;
  return bytes > maxBytes ? bytes : undefined;
}

/** The size of a text in bytes of UTF-8. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}
