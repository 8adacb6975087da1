/**
 * How to reach NATS, read from the environment.
 *
 * @module
 */
import {
  durationSettingMs,
  type Environment,
  SettingError,
  textSetting,
} from "@ourocodus/protocol";
import type { ConnectOptions } from "./connection.ts";

/**
 * How to reach NATS, from `NATS_URL`, `NATS_CONNECT_TIMEOUT`, `NATS_TOKEN`, `NATS_USER`,
 * `NATS_PASSWORD`, `NATS_CREDS`, `NATS_CA`, `NATS_CERT` and `NATS_KEY`, the names that NATS' own
 * tools use, and `NATS_INBOX_PREFIX`.
 *
 * @throws {SettingError} If the time-out is not a duration from 100 ms to 10 minutes, or the prefix
 * no subject.
 */
export function natsSettings(env: Environment): ConnectOptions {
  return {
    url: textSetting(env, "NATS_URL"),
    timeoutMs: durationSettingMs(env, "NATS_CONNECT_TIMEOUT", {
      fallback: 5_000,
      min: 100,
      max: 600_000,
    }),
    token: textSetting(env, "NATS_TOKEN"),
    user: textSetting(env, "NATS_USER"),
    password: textSetting(env, "NATS_PASSWORD"),
    credsFile: textSetting(env, "NATS_CREDS"),
    caFile: textSetting(env, "NATS_CA"),
    certFile: textSetting(env, "NATS_CERT"),
    keyFile: textSetting(env, "NATS_KEY"),
    inboxPrefix: subjectSetting(env, "NATS_INBOX_PREFIX"),
  };
}

function subjectSetting(env: Environment, name: string): string | undefined {
  const text = textSetting(env, name);
  if (text === undefined || /^[\w-]{1,64}(\.[\w-]{1,64}){0,7}$/.test(text)) return text;
  throw new SettingError(`${name} is "${text}", it must be names of A-Z a-z 0-9 _ - and dots`);
}
