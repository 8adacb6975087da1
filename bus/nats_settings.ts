/**
 * How to reach NATS.
 *
 * @module
 */
import { duration, type Environment, readSettings, SettingError, text } from "@ourocodus/protocol";
import { type ConnectOptions, DEFAULT_NATS_URL } from "./connection.ts";

/** The settings of every program that connects to NATS, by the names that NATS' own tools use. */
export const NATS_SETTINGS = {
  url: text("NATS_URL", "where NATS is; several with commas, tls:// for TLS", {
    otherwise: DEFAULT_NATS_URL,
  }),
  timeoutMs: duration("NATS_CONNECT_TIMEOUT", "how long the first connection may take", {
    fallback: "5s",
    range: ["100ms", "10m"],
  }),
  token: text("NATS_TOKEN", "the token that NATS asks for"),
  user: text("NATS_USER", "the user; also nats://user:password@host"),
  password: text("NATS_PASSWORD", "the user's password"),
  credsFile: text("NATS_CREDS", "a credentials file, with a user's JWT and seed"),
  caFile: text("NATS_CA", "a file with certificate authorities to trust (PEM)"),
  certFile: text("NATS_CERT", "the client's certificate (PEM file)"),
  keyFile: text("NATS_KEY", "and its key"),
  inboxPrefix: text("NATS_INBOX_PREFIX", "the beginning of subjects for answers", {
    otherwise: "_INBOX",
    parse: subject,
  }),
};

/** Reads {@linkcode NATS_SETTINGS}. @throws {SettingError} If a value cannot be used. */
export function natsSettings(env: Environment): ConnectOptions {
  return readSettings(NATS_SETTINGS, env);
}

function subject(text: string, name: string): string {
  if (/^[\w-]{1,64}(\.[\w-]{1,64}){0,7}$/.test(text)) return text;
  throw new SettingError(`${name} is "${text}", it must be names of A-Z a-z 0-9 _ - and dots`);
}
