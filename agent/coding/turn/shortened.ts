/** A text of at most `max` characters: the last of one that is longer is an ellipsis. */
export function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`;
}

/** A value as an error message shows it: its JSON, of at most `max` characters. */
export function shown(value: unknown, max = 100): string {
  return shortened(JSON.stringify(value) ?? String(value), max);
}
