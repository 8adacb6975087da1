/**
 * The settings that relay and API have in common: where they listen, and for whom.
 *
 * @module
 */
import {
  bytes,
  duration,
  type Environment,
  flag,
  integer,
  list,
  readSettings,
  type Setting,
  SettingError,
  type SettingsOf,
  text,
} from "@ourocodus/protocol";
import { isLoopback } from "./host.ts";
import { hasTokens, TOKEN_SETTINGS } from "./token_settings.ts";

/** The settings of every server, except its port. */
export const SERVER_SETTINGS = {
  host: text("HOST", "where to listen", { fallback: "127.0.0.1" }),
  tls: {
    certFile: text("TLS_CERT", "certificate chain, a PEM file: then it speaks TLS"),
    keyFile: text("TLS_KEY", "and its key"),
  },
  tokens: TOKEN_SETTINGS,
  insecure: flag("OUROCODUS_INSECURE", "1: others than this machine may come in without a token"),
  allowedOrigins: list(
    "ALLOWED_ORIGINS",
    "other hosts' pages that may use it, with commas; * is any",
  ),
  allowedHosts: list(
    "ALLOWED_HOSTS",
    "names that it may be called by, except addresses, localhost and HOST; * is any",
  ),
  maxHeaderBytes: bytes(
    "MAX_HEADER_BYTES",
    "maximum size of a request's URL and headers together",
    { fallback: "16KB", range: ["1KB", "256KB"] },
  ),
};

/** How long work may go on in a relay that is told to stop, in milliseconds. */
export const DRAIN_MS = duration("DRAIN_SECONDS", "how long running work may take after SIGTERM", {
  fallback: 25,
  range: [0, "1h"],
});

/** Declares a server's port. */
export function portSetting(fallback: number): Setting<number> {
  return integer("PORT", "where to listen; 0 is any free port", { fallback, range: [0, 65_535] });
}

/** Where certificate and key are, PEM files. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What {@linkcode SERVER_SETTINGS} and a port are read as. */
type Read = SettingsOf<typeof SERVER_SETTINGS> & { readonly port: number };

/** Checked settings of a server; its own host is one of the allowed ones. */
export type ServerSettings = Omit<Read, "tls"> & { readonly tls?: TlsFiles };

/**
 * Reads {@linkcode SERVER_SETTINGS} and checks them.
 *
 * @param options `port`: where it listens if nothing else is said.
 * @throws {SettingError} As {@linkcode checkedServer}; also names variable, value and limit.
 */
export function serverSettings(
  env: Environment,
  { port }: { readonly port: number },
): ServerSettings {
  return checkedServer(readSettings({ ...SERVER_SETTINGS, port: portSetting(port) }, env));
}

/**
 * Checks settings of a server that belong together.
 *
 * @throws {SettingError} If others could come in without a token, with what can be done; or of
 * certificate and key one is missing.
 */
export function checkedServer(read: Read): ServerSettings {
  const { host, tokens, insecure, tls: { certFile, keyFile } } = read;
  if (!isLoopback(host) && !hasTokens(tokens) && !insecure) throw openToOthers(host);
  return {
    ...read,
    tls: tlsFiles(certFile, keyFile),
    allowedHosts: [host, ...read.allowedHosts],
  };
}

function openToOthers(host: string): SettingError {
  return new SettingError(
    `HOST is "${host}", which others than this machine can reach, and there is no token. Set ` +
      "OUROCODUS_TOKEN to a secret (openssl rand -base64 32 makes one), listen on HOST=127.0.0.1, " +
      "or, where something in front decides who comes in, set OUROCODUS_INSECURE=1",
  );
}

function tlsFiles(certFile: string | undefined, keyFile: string | undefined): TlsFiles | undefined {
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  if (certFile === undefined && keyFile === undefined) return undefined;
  const [there, missing] = certFile === undefined
    ? ["TLS_KEY", "TLS_CERT"]
    : ["TLS_CERT", "TLS_KEY"];
  throw new SettingError(`${there} is set and ${missing} is not: TLS needs both`);
}
