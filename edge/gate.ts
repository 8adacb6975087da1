/**
 * What is checked of every request before anything else sees it: its size, that it was meant for
 * this server, whose page it comes from, and what its token allows.
 *
 * @module
 */
import { type Access, FULL_ACCESS } from "./access.ts";
import { credentialsOf } from "./credentials.ts";
import { isForeignHost } from "./host.ts";
import { isForeignOrigin } from "./origin.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { hasTokens, readTokenKeys, type TokenSettings } from "./token_settings.ts";
import { type TokenKeys, TokenVerifier } from "./token_verifier.ts";

/** Settings of a {@linkcode Gate}. */
export interface GateOptions {
  /** Origins of pages that may come in besides the server's own; `*` is any. */
  readonly allowedOrigins?: readonly string[];
  /** Names by which the server may be called, see {@linkcode isForeignHost}. */
  readonly allowedHosts?: readonly string[];
  /** The largest head of a request, in bytes; 16 KiB by default. */
  readonly maxHeaderBytes?: number;
}

/** Who comes in, or why not. */
export type Admission =
  | { readonly kind: "ok"; readonly access: Access }
  | { readonly kind: "refused"; readonly refusal: Refusal };

const MAX_HEADER_BYTES = 16 * 1_024;
const MAX_SHOWN = 100;

/** Lets requests in, or answers why not. */
export class Gate {
  readonly #options: GateOptions;
  readonly #verifier: TokenVerifier | undefined;

  /**
   * Makes one.
   *
   * @param tokens Where what verifies tokens is; without any of it, everybody may do everything.
   * A file for the secret that is not there is made.
   * @throws {SettingError} If a file or a key cannot be used.
   */
  static async open(tokens: TokenSettings, options: GateOptions = {}): Promise<Gate> {
    if (!hasTokens(tokens)) return new Gate(options);
    return await Gate.withKeys(await readTokenKeys(tokens, { make: true }), options);
  }

  /** Makes one with keys that are known. @throws {SettingError} If a key cannot be used. */
  static async withKeys(keys: TokenKeys, options: GateOptions = {}): Promise<Gate> {
    return new Gate(options, await TokenVerifier.create(keys));
  }

  /** Makes one; without a verifier everybody may do everything. */
  constructor(options: GateOptions, verifier?: TokenVerifier) {
    this.#options = options;
    this.#verifier = verifier;
  }

  /** Whether a token is needed. */
  get needsToken(): boolean {
    return this.#verifier !== undefined;
  }

  /** Whether the head of a request is too large, or names another host. */
  checkHead(request: Request): Refusal | undefined {
    const { maxHeaderBytes = MAX_HEADER_BYTES, allowedHosts } = this.#options;
    const bytes = headBytes(request);
    if (bytes > maxHeaderBytes) {
      return refusal(
        "head_too_large",
        `URL and headers are ${bytes} bytes, limit is ${maxHeaderBytes} (MAX_HEADER_BYTES)`,
      );
    }
    if (!isForeignHost(request, allowedHosts)) return undefined;
    const host = JSON.stringify(new URL(request.url).host.slice(0, MAX_SHOWN));
    return refusal("foreign_host", `Host is ${host}; ALLOWED_HOSTS may name it`);
  }

  /** Whether a request comes from a page of another host. */
  checkOrigin(request: Request): Refusal | undefined {
    if (!isForeignOrigin(request, this.#options.allowedOrigins)) return undefined;
    const origin = JSON.stringify(request.headers.get("origin")?.slice(0, MAX_SHOWN));
    return refusal(
      "foreign_origin",
      `Origin is ${origin}, a page of another host; ALLOWED_ORIGINS may name it`,
    );
  }

  /** Tells what a request's token allows. */
  async admit(request: Request): Promise<Admission> {
    if (this.#verifier === undefined) return { kind: "ok", access: FULL_ACCESS };
    const credentials = credentialsOf(request);
    switch (credentials.kind) {
      case "none":
        return refused("this needs a token: Authorization: Bearer, or access_token in the query");
      case "malformed":
        return refused(credentials.reason, "invalid_request");
      case "token": {
        const verified = await this.#verifier.verify(credentials.token);
        if (verified.kind === "ok") return verified;
        return refused(verified.reason, "invalid_token");
      }
    }
  }
}

/** The refusal of a token that does not allow something (RFC 6750, section 3.1). */
export function forbidden(detail: string): Refusal {
  return refusal("forbidden", detail, challenge("insufficient_scope", detail));
}

function refused(detail: string, error?: string): Admission {
  return { kind: "refused", refusal: refusal("unauthorized", detail, challenge(error, detail)) };
}

function challenge(error: string | undefined, detail: string): Record<string, string> {
  const why = error === undefined ? "" : `, error="${error}", error_description="${detail}"`;
  return { "www-authenticate": `Bearer realm="ourocodus"${why}` };
}

function headBytes({ url, headers }: Request): number {
  let bytes = url.length;
  // Both have one byte a character.
  for (const [name, value] of headers) bytes += name.length + value.length + 4;
  return bytes;
}
