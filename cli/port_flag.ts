import { UsageError } from "./usage_error.ts";

/** A port's flag; undefined if it was not given. @throws {UsageError} */
export function portFlag(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw new UsageError(`${flag} is ${JSON.stringify(value)}, allowed is 1 to 65535`);
}
