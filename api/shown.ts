/**
 * Values from outside, in messages to people.
 *
 * @module
 */

const MAX_CHARACTERS = 40;

/** A value in quotes, cut if it is long. */
export function shown(value: string): string {
  return JSON.stringify(cut(value, MAX_CHARACTERS));
}

/** The beginning of a text that is longer than this. */
export function cut(text: string, characters: number): string {
  return text.length > characters ? `${text.slice(0, characters)}…` : text;
}
