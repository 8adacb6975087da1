/**
 * Tells whom a token belongs to: who has the shared secret may do all, who has a signed token may
 * do what it says.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { errors, importSPKI, type JWTHeaderParameters, jwtVerify } from "jose";
import { messageOf, SettingError } from "@ourocodus/protocol";
import { type Access, FULL_ACCESS } from "./access.ts";
import { AUDIENCE, looksSigned, MAX_TOKEN_CHARACTERS, parseClaims, signingKey } from "./token.ts";

/** What tokens are verified with; at least one. */
export interface TokenKeys {
  /** The shared secret. Who has it may do all, and make tokens. */
  readonly secret?: string;
  /** A public key (Ed25519, SPKI in PEM): tokens signed with its private key are taken, too. */
  readonly publicKeyPem?: string;
}

/** What a token is worth. */
export type Verified =
  | { readonly kind: "ok"; readonly access: Access }
  | { readonly kind: "refused"; readonly reason: string };

const SECRET_ALGORITHM = "HS256";
/** RFC 8037 has the first name, RFC 9864 the second. */
const KEY_ALGORITHMS = ["EdDSA", "Ed25519"];

/** Tells what a token allows. */
export class TokenVerifier {
  readonly #secretHash: Buffer | undefined;
  readonly #signingKey: Uint8Array | undefined;
  readonly #publicKey: CryptoKey | undefined;
  readonly #now: () => number;

  /**
   * Makes one.
   *
   * @param options `now`: the time, in milliseconds since 1970.
   * @throws {SettingError} If the public key cannot be used.
   */
  static async create(
    { secret, publicKeyPem }: TokenKeys,
    options: { readonly now?: () => number } = {},
  ): Promise<TokenVerifier> {
    const publicKey = publicKeyPem === undefined ? undefined : await importKey(publicKeyPem);
    return new TokenVerifier(secret, publicKey, options.now ?? Date.now);
  }

  private constructor(
    secret: string | undefined,
    publicKey: CryptoKey | undefined,
    now: () => number,
  ) {
    this.#secretHash = secret === undefined ? undefined : hash(secret);
    this.#signingKey = secret === undefined ? undefined : signingKey(secret);
    this.#publicKey = publicKey;
    this.#now = now;
  }

  /** Tells what a token is worth. The reason of a refusal never has the token in it. */
  async verify(token: string): Promise<Verified> {
    if (token.length > MAX_TOKEN_CHARACTERS) {
      return refused(`the token has ${token.length} characters, limit is ${MAX_TOKEN_CHARACTERS}`);
    }
    // Hashes are of one length, so that the time tells neither where a guess goes wrong nor how
    // long the secret is.
    if (this.#secretHash !== undefined && timingSafeEqual(hash(token), this.#secretHash)) {
      return { kind: "ok", access: FULL_ACCESS };
    }
    if (!looksSigned(token)) return refused("the token is not known");
    try {
      const { payload } = await jwtVerify(token, (header) => this.#keyFor(header), {
        algorithms: [SECRET_ALGORITHM, ...KEY_ALGORITHMS],
        audience: AUDIENCE,
        requiredClaims: ["exp"],
        currentDate: new Date(this.#now()),
      });
      const parsed = parseClaims(payload);
      return parsed.kind === "ok" ? parsed : refused(`the token is malformed: ${parsed.reason}`);
    } catch (error) {
      return refused(reasonOf(error));
    }
  }

  #keyFor({ alg }: JWTHeaderParameters): CryptoKey | Uint8Array {
    const key = alg === SECRET_ALGORITHM ? this.#signingKey : this.#publicKey;
    // Each algorithm has its own key: a public key never verifies an HMAC.
    if (key === undefined) throw new errors.JOSEAlgNotAllowed(`nothing verifies ${alg}`);
    return key;
  }
}

async function importKey(pem: string): Promise<CryptoKey> {
  try {
    return await importSPKI(pem, "EdDSA");
  } catch (error) {
    const why = `OUROCODUS_TOKEN_PUBLIC_KEY is no Ed25519 key in PEM: ${messageOf(error)}`;
    throw new SettingError(why, { cause: error });
  }
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function refused(reason: string): Verified {
  return { kind: "refused", reason };
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "nbf") return "the token is not valid yet";
    if (error.claim === "aud") return `the token is for another audience than ${AUDIENCE}`;
    return `the token's claim ${error.claim} is not as it must be`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return "the token's algorithm is not taken here";
  return "the token's signature or form is wrong";
}
