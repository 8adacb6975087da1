/**
 * Tokens: JSON Web Tokens (RFC 7519) that say what their bearer may do, where, and until when.
 *
 * They are signed with HS256, whose key is derived from the shared secret, or with EdDSA, whose
 * private key no server needs. Claims: `aud` is `ourocodus`; `exp` is required; `scope` has the
 * kinds of things that are allowed, separated by spaces (RFC 8693, section 4.2); `session` and
 * `role`, if they are there, are the only ones.
 *
 * @module
 */
import { hkdfSync } from "node:crypto";
import { invalidName } from "@ourocodus/protocol";
import { type Access, isScope, type Scope, SCOPES } from "./access.ts";

/** Whom tokens are for: those of others, signed with the same key, are not taken. */
export const AUDIENCE = "ourocodus";

/** The most characters that a token or a secret may have. */
export const MAX_TOKEN_CHARACTERS = 4_096;

/** What a token allows. */
export interface Grant {
  readonly can: readonly Scope[];
  /** The only session; any without. */
  readonly session?: string;
  /** The only role; any without. */
  readonly role?: string;
}

/** Derives the key of HS256 from the shared secret, which itself signs nothing (RFC 5869). */
export function signingKey(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", "ourocodus token HS256", 32));
}

/** Whether a text has the form of a signed token: three parts of base64url. */
export function looksSigned(text: string): boolean {
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(text);
}

/** What claims allow, or what is wrong with them. */
export type ParsedClaims =
  | { readonly kind: "ok"; readonly access: Access }
  | { readonly kind: "invalid"; readonly reason: string };

/** Reads the claims of a token whose signature, audience and times have been checked. */
export function parseClaims(claims: Readonly<Record<string, unknown>>): ParsedClaims {
  const { scope, session, role, exp } = claims;
  if (typeof exp !== "number" || !Number.isSafeInteger(exp)) return invalid("exp is no time");
  if (typeof scope !== "string") return invalid("scope is no text");
  const can = new Set(scope.split(" ").filter(isScope));
  if (can.size === 0) return invalid(`scope names none of ${SCOPES.join(", ")}`);
  for (const [name, value] of Object.entries({ session, role })) {
    if (value === undefined) continue;
    if (typeof value !== "string" || invalidName(value) !== undefined) {
      return invalid(`${name} is no name`);
    }
  }
  return {
    kind: "ok",
    access: {
      can,
      expiresAt: exp * 1_000,
      ...(typeof session === "string" && { session }),
      ...(typeof role === "string" && { role }),
    },
  };
}

function invalid(reason: string): ParsedClaims {
  return { kind: "invalid", reason };
}
