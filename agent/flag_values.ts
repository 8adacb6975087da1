/**
 * Parsers of flags' values, for commander: each throws with what is allowed.
 *
 * @module
 */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { parseDurationMs } from "@ourocodus/protocol";

const DAY_MS = 86_400_000;
/** Longer ones do not fit a timer. */
const MAX_DAYS = 24;

/** A parser of durations: `30s`, `10m`, `1h`. @returns Milliseconds. */
export function duration(minMs: number, maxDays = MAX_DAYS): (text: string) => number {
  return (text) => {
    const milliseconds = parseDurationMs(text);
    if (milliseconds === undefined) {
      throw new InvalidArgumentError("It must be a duration like 30s, 10m or 1h");
    }
    if (milliseconds < minMs || milliseconds > maxDays * DAY_MS) {
      throw new InvalidArgumentError(`Allowed is ${minMs}ms to ${maxDays}d`);
    }
    return milliseconds;
  };
}

/** A parser of whole numbers. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}`);
  };
}

/** A parser for flags that may be given several times. */
export function collect<T>(
  parse: (text: string) => T,
): (text: string, before?: readonly T[]) => readonly T[] {
  return (text, before = []) => [...before, parse(text)];
}

/** A parser that refuses an empty text. */
export function filled(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("It must not be empty");
}
