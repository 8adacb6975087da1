/**
 * Listening for requests, with or without TLS.
 *
 * @module
 */
import type { Logger } from "@logtape/logtape";
import { messageOf, SettingError } from "@ourocodus/protocol";
import { isLoopback } from "./host.ts";
import type { ServerSettings, TlsFiles } from "./server_settings.ts";
import { fileSetting, GOOD_SECRET_CHARACTERS, hasTokens } from "./token_settings.ts";

/**
 * Begins to listen.
 *
 * @throws {SettingError} If the port cannot be listened on, or certificate or key cannot be used.
 */
export async function listen(
  { host, port, tls }: Pick<ServerSettings, "host" | "port" | "tls">,
  handler: (request: Request) => Response | Promise<Response>,
): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const pem = tls === undefined ? undefined : await readTls(tls);
  const options = { hostname: unbracketed(host), port, onListen: () => {} };
  try {
    return Deno.serve({ ...options, ...pem }, handler);
  } catch (error) {
    if (tls !== undefined && error instanceof Deno.errors.InvalidData) {
      const files = `TLS_CERT ("${tls.certFile}") and TLS_KEY ("${tls.keyFile}")`;
      throw new SettingError(`${files} cannot be used: ${messageOf(error)}`, { cause: error });
    }
    const why = error instanceof Deno.errors.AddrInUse ? "it is in use" : messageOf(error);
    throw new SettingError(`Cannot listen on ${host} port ${port}: ${why}`, { cause: error });
  }
}

async function readTls({ certFile, keyFile }: TlsFiles): Promise<{ cert: string; key: string }> {
  return {
    cert: await fileSetting("TLS_CERT", certFile),
    key: await fileSetting("TLS_KEY", keyFile),
  };
}

/** Deno takes an IPv6 address without brackets only. */
function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/** Says loudly what is dangerous about the settings of a server. */
export function warnIfOpen({ host, tokens, tls }: ServerSettings, log: Logger): void {
  const { secret } = tokens;
  if (!isLoopback(host) && !hasTokens(tokens)) {
    log.warn("everybody who reaches this machine may do everything: OUROCODUS_INSECURE is set");
  }
  if (!isLoopback(host) && hasTokens(tokens) && tls === undefined) {
    log.info("without TLS_CERT and TLS_KEY, tokens travel in the clear");
  }
  if (secret !== undefined && secret.length < GOOD_SECRET_CHARACTERS) {
    log.warn(
      `OUROCODUS_TOKEN has ${secret.length} characters, which can be guessed; ` +
        `${GOOD_SECRET_CHARACTERS} random ones or more are good`,
    );
  }
}
