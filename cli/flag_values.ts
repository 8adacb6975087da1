/**
 * Checks of flags' values, each with an error that names the flag, the value and what is allowed.
 *
 * @module
 */
import {
  describe,
  invalidId,
  invalidName,
  isObject,
  messageOf,
  parseDurationMs,
} from "@ourocodus/protocol";
import { WAIT_TIMEOUT } from "./shared_flags.ts";
import { UsageError } from "./usage_error.ts";

/** A session, a role or an agent's id, which must be there. @throws {UsageError} */
export function nameFlag(flag: string, value: string | undefined): string {
  const wrong = invalidName(value);
  if (value === undefined) throw new UsageError(`${flag} ${wrong}${INSTEAD[flag] ?? ""}`);
  if (wrong !== undefined) throw new UsageError(`${flag} ${wrong}`);
  return value;
}

/** The session and role that are meant, where they are given. @throws {UsageError} */
export function optionalPlace(
  { session, role }: { readonly session?: string; readonly role?: string },
): { readonly session?: string; readonly role?: string } {
  return {
    ...(session !== undefined && { session: nameFlag("--session", session) }),
    ...(role !== undefined && { role: nameFlag("--role", role) }),
  };
}

/** The session that is meant, and the role if it is given. @throws {UsageError} */
export function sessionPlace(
  flags: { readonly session?: string; readonly role?: string },
): { readonly session: string; readonly role?: string } {
  return { ...optionalPlace(flags), session: nameFlag("--session", flags.session) };
}

/** What else says it. */
const INSTEAD: Readonly<Record<string, string>> = {
  "--session": ": give -s SESSION, or set OUROCODUS_SESSION",
  "--role": ": give -r ROLE, or set OUROCODUS_ROLE",
};

/** A message's id. @throws {UsageError} */
export function idFlag(flag: string, value: string): string {
  const wrong = invalidId(value);
  if (wrong !== undefined) throw new UsageError(`${flag}: ${wrong}`);
  return value;
}

/**
 * A duration: `500ms`, `30s`, `10m`, `1h`, `7d`, or seconds.
 *
 * @returns Milliseconds.
 * @throws {UsageError}
 */
export function durationFlag(flag: string, value: string, maxDays = MAX_DAYS): number {
  const milliseconds = parseDurationMs(value);
  if (milliseconds === undefined || !Number.isSafeInteger(milliseconds)) {
    throw new UsageError(`${flag} is "${value}", it must be a duration like 30s, 10m or 7d`);
  }
  if (milliseconds < 1 || milliseconds > maxDays * DAY_MS) {
    throw new UsageError(`${flag} is "${value}", allowed is 1ms to ${maxDays}d`);
  }
  return milliseconds;
}

/** How long to wait: a duration that fits a timer. @throws {UsageError} */
export function timeoutFlag(flag: string, value: string): number {
  return durationFlag(flag, value, MAX_TIMER_DAYS);
}

/** How long --wait waits, in milliseconds; undefined without --wait. @throws {UsageError} */
export function waitFlags(
  { wait, timeout }: { readonly wait?: true; readonly timeout?: string },
): number | undefined {
  if (wait) return timeoutFlag("--timeout", timeout ?? WAIT_TIMEOUT);
  if (timeout === undefined) return undefined;
  throw new UsageError("--timeout is how long --wait waits: add --wait, or leave --timeout out");
}

const DAY_MS = 86_400_000;
const MAX_DAYS = 3_650;
/** A timer of more than 2^31 - 1 ms goes off at once. */
const MAX_TIMER_DAYS = 24;

/** A whole number within limits; by default from 0 to a billion. @throws {UsageError} */
export function countFlag(
  flag: string,
  value: string,
  { min = 0, max = MAX_COUNT }: { readonly min?: number; readonly max?: number } = {},
): number {
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`${flag} is "${value}", it must be a whole number from ${min} to ${max}`);
}

const MAX_COUNT = 1_000_000_000;

/** A port's flag; undefined if it was not given. @throws {UsageError} */
export function portFlag(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw new UsageError(`${flag} is ${JSON.stringify(value)}, allowed is 1 to 65535`);
}

/** How many items to list: 1 at least, 100 without the flag. @throws {UsageError} */
export function limitFlag(flag: string, value: string | undefined): number {
  return value === undefined ? DEFAULT_LIMIT : countFlag(flag, value, { min: 1 });
}

const DEFAULT_LIMIT = 100;

/** A sequence in a stream. @throws {UsageError} */
export function sequenceArgument(value: string): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : 0;
  if (number >= 1 && Number.isSafeInteger(number)) return number;
  throw new UsageError(
    `the sequence is ${JSON.stringify(value)}, it must be a whole number from 1`,
  );
}

/** A JSON object. @throws {UsageError} */
export function objectFlag(flag: string, value: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (error) {
    throw new UsageError(`${flag} is not valid JSON: ${messageOf(error)}`);
  }
  if (!isObject(parsed)) {
    throw new UsageError(`${flag} must be a JSON object, got ${describe(parsed)}`);
  }
  return parsed;
}
