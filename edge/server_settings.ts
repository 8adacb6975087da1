/**
 * The settings that relay and API have in common: where they listen, and for whom.
 *
 * @module
 */
import {
  bytesSetting,
  type Environment,
  integerSetting,
  SettingError,
  textSetting,
} from "@ourocodus/protocol";
import { isLoopback } from "./host.ts";
import { hasTokens, type TokenSettings, tokenSettings } from "./token_settings.ts";

/** Settings of the relay and of the API. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  /** Files with a certificate chain and its key, in PEM: then it speaks TLS. */
  readonly tls?: TlsFiles;
  readonly tokens: TokenSettings;
  /** Whether it was said that others may come in without a token. */
  readonly insecure: boolean;
  /** Origins of pages that may use it besides its own host's; `*` is any. */
  readonly allowedOrigins: readonly string[];
  /** Names by which it may be called besides addresses, `localhost` and `HOST`; `*` is any. */
  readonly allowedHosts: readonly string[];
  /** The largest head of a request, URL and headers together, in bytes. */
  readonly maxHeaderBytes: number;
}

/** Where certificate and key are. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

const KIB = 1_024;

/**
 * Reads `HOST` (127.0.0.1), `PORT`, `TLS_CERT`, `TLS_KEY`, `OUROCODUS_TOKEN`,
 * `OUROCODUS_TOKEN_FILE`, `OUROCODUS_TOKEN_PUBLIC_KEY`, `OUROCODUS_INSECURE`, `ALLOWED_ORIGINS`,
 * `ALLOWED_HOSTS` and `MAX_HEADER_BYTES` (16 KiB).
 *
 * @param options `port`: where it listens if nothing else is said.
 * @throws {SettingError} Names the variable, its value and the limit; if others could come in
 * without a token, it says what can be done.
 */
export function serverSettings(
  env: Environment,
  options: { readonly port: number },
): ServerSettings {
  const host = textSetting(env, "HOST") ?? "127.0.0.1";
  const tokens = tokenSettings(env);
  const insecure = flag("OUROCODUS_INSECURE", textSetting(env, "OUROCODUS_INSECURE"));
  if (!isLoopback(host) && !hasTokens(tokens) && !insecure) throw openToOthers(host);
  return {
    host,
    port: integerSetting(env, "PORT", { fallback: options.port, min: 0, max: 65_535 }),
    tls: tlsFiles(textSetting(env, "TLS_CERT"), textSetting(env, "TLS_KEY")),
    tokens,
    insecure,
    allowedOrigins: list(textSetting(env, "ALLOWED_ORIGINS")),
    allowedHosts: [host, ...list(textSetting(env, "ALLOWED_HOSTS"))],
    maxHeaderBytes: bytesSetting(env, "MAX_HEADER_BYTES", {
      fallback: 16 * KIB,
      min: KIB,
      max: 256 * KIB,
    }),
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

function flag(name: string, text: string | undefined): boolean {
  if (text === undefined || text === "0" || text === "false") return false;
  if (text === "1" || text === "true") return true;
  throw new SettingError(`${name} is "${text}", allowed are 1, true, 0 and false`);
}

function list(text: string | undefined): string[] {
  return (text ?? "").split(",").map((one) => one.trim()).filter(Boolean);
}
