/**
 * Makes tokens.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { importPKCS8, SignJWT } from "jose";
import { messageOf, SettingError } from "@ourocodus/protocol";
import { AUDIENCE, type Grant, signingKey } from "./token.ts";

/** What signs: the shared secret, or a private key (Ed25519, PKCS #8 in PEM). */
export type Signer = { readonly secret: string } | { readonly privateKeyPem: string };

/** The longest that a token may live, in milliseconds. */
export const MAX_TTL_MS = 366 * 86_400_000;

/**
 * Makes a token.
 *
 * @param grant What its bearer may do.
 * @param options `ttlMs`: how long it is valid, 1 second to 366 days, in milliseconds; what is
 * beyond whole seconds is dropped. `now`: the time, in milliseconds since 1970.
 * @throws {SettingError} If the private key cannot be used.
 */
export async function createToken(
  signer: Signer,
  grant: Grant,
  options: { readonly ttlMs: number; readonly now?: number },
): Promise<string> {
  const { can, session, role } = grant;
  const seconds = Math.floor((options.now ?? Date.now()) / 1_000);
  const claims = {
    scope: [...new Set(can)].join(" "),
    ...(session !== undefined && { session }),
    ...(role !== undefined && { role }),
  };
  const token = new SignJWT(claims)
    .setAudience(AUDIENCE)
    .setJti(randomUUID())
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + Math.floor(options.ttlMs / 1_000));
  if ("secret" in signer) {
    return await token.setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(signingKey(signer.secret));
  }
  return await token.setProtectedHeader({ alg: "EdDSA", typ: "JWT" })
    .sign(await privateKey(signer.privateKeyPem));
}

async function privateKey(pem: string): Promise<CryptoKey> {
  try {
    return await importPKCS8(pem, "EdDSA");
  } catch (error) {
    const why = `the private key is no Ed25519 key in PEM: ${messageOf(error)}`;
    throw new SettingError(why, { cause: error });
  }
}
