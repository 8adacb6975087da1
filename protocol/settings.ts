/**
 * Reading settings from text: environment variables and flags. Only a main.ts passes the real
 * environment in.
 *
 * @module
 */
import { SettingError } from "./errors.ts";

/** Where settings come from; `Deno.env` is one. */
export interface Environment {
  get(name: string): string | undefined;
}

/** Limits of a number. */
export interface NumberLimits {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/;
const DURATION_UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const BYTES = /^(\d+(?:\.\d+)?)(?:([KMGT])i?)?B?$/i;
const BYTES_UNIT: Record<string, number> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/**
 * Parses a duration: `500ms`, `30s`, `10m`, `1h`, `7d`, or a bare number of seconds.
 *
 * @returns Milliseconds, or `undefined` if the text is none.
 *
 * @example
 * ```ts
 * import { parseDurationMs } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * assert.equal(parseDurationMs("1.5h"), 5_400_000);
 * ```
 */
export function parseDurationMs(text: string): number | undefined {
  const [, number, unit = "s"] = DURATION.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  return Math.round(Number(number) * (DURATION_UNIT_MS[unit] ?? 1));
}

/**
 * Parses a size: `512`, `64KB`, `10MiB`, `1G`. Units count in powers of 1024.
 *
 * @returns Bytes, or `undefined` if the text is none.
 */
export function parseBytes(text: string): number | undefined {
  const [, number, unit] = BYTES.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  return Math.round(Number(number) * (unit ? BYTES_UNIT[unit.toUpperCase()] ?? 1 : 1));
}

/** A variable's value, or `undefined` if it is not set or blank. */
export function textSetting(env: Environment, name: string): string | undefined {
  const text = env.get(name)?.trim();
  return text ? text : undefined;
}

/**
 * A whole number.
 *
 * @throws {SettingError} If it is none, or beyond the limits; names variable, value and limit.
 */
export function integerSetting(env: Environment, name: string, limits: NumberLimits): number {
  const text = textSetting(env, name);
  if (text === undefined) return limits.fallback;
  return within(
    name,
    text,
    /^-?\d+$/.test(text) ? Number(text) : undefined,
    limits,
    "whole number",
  );
}

/**
 * A duration, see {@linkcode parseDurationMs}. Limits and result are in milliseconds.
 *
 * @throws {SettingError} If it is none, or beyond the limits; names variable, value and limit.
 */
export function durationSettingMs(env: Environment, name: string, limits: NumberLimits): number {
  const text = textSetting(env, name);
  if (text === undefined) return limits.fallback;
  return within(name, text, parseDurationMs(text), limits, "duration like 30s or 10m", " ms");
}

/**
 * A size, see {@linkcode parseBytes}; `-1` passes if the limits allow it.
 *
 * @throws {SettingError} If it is none, or beyond the limits; names variable, value and limit.
 */
export function bytesSetting(env: Environment, name: string, limits: NumberLimits): number {
  const text = textSetting(env, name);
  if (text === undefined) return limits.fallback;
  const bytes = text === "-1" ? -1 : parseBytes(text);
  return within(name, text, bytes, limits, "size like 64KB or 1GB", " bytes");
}

function within(
  name: string,
  text: string,
  value: number | undefined,
  limits: NumberLimits,
  wanted: string,
  unit = "",
): number {
  if (value === undefined || !Number.isSafeInteger(value)) {
    throw new SettingError(`${name} is "${text}", it must be a ${wanted}`);
  }
  if (value < limits.min || value > limits.max) {
    throw new SettingError(
      `${name} is "${text}", allowed is ${limits.min} to ${limits.max}${unit}`,
    );
  }
  return value;
}
