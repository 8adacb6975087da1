/**
 * How values are shown.
 *
 * @module
 */

/** Characters that would hide, or turn other text around; and those that cannot be seen. */
const HIDDEN =
  /(?![\n\t])[\p{Cc}\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** A text in which nothing hides: control and direction characters are named. */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, (character) => {
    if (character === "\r") return "";
    const code = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
    return `⟨U+${code}⟩`;
  });
}

/** A text on one line, of at most so many characters. */
export function line(text: string, limit: number): string {
  const short = text.length > limit * 4 ? text.slice(0, limit * 4) : text;
  const flat = visible(short.replaceAll(/\s+/g, " "));
  const characters = [...flat];
  return characters.length > limit || short.length < text.length
    ? `${characters.slice(0, limit).join("")}…`
    : flat;
}

/** A span of time: `840 ms`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function duration(ms: number): string {
  if (ms < 0) return "0 s";
  if (ms < 1_000) return `${ms < 10 ? Number(ms.toPrecision(2)) : Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A size: `512 B`, `1.4 MiB`. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1_024 && unit < units.length - 1) {
    count /= 1_024;
    unit++;
  }
  return `${unit === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}

/** A number: `1 234 567`. */
export function count(value: number): string {
  return value.toLocaleString("en-US").replaceAll(",", "\u202f");
}

/** A word for a number of things: `1 agent`, `2 agents`. */
export function things(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? "" : "s"}`;
}
