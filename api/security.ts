/**
 * What a route's description says about tokens.
 *
 * @module
 */
import type { Scope } from "@ourocodus/edge";

/** The scheme's name in the document. */
const SCHEME = "token";

/** The scheme. */
export const SECURITY_SCHEMES = {
  [SCHEME]: {
    type: "http",
    scheme: "bearer",
    description: "The shared secret (OUROCODUS_TOKEN), or a token that `ourocodus token create` " +
      "made. Clients that cannot set headers put it in the query, as `access_token`. Where no " +
      "token is configured, none is needed.",
  },
} as const;

/** For a route's description: a token that allows this is needed, where tokens are configured. */
export function needs(scope: Scope): { readonly security: Record<string, string[]>[] } {
  return { security: [{ [SCHEME]: [scope] }] };
}
