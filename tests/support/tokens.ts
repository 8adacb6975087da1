/**
 * Tokens to try: good ones, and those that are worth nothing.
 *
 * @module
 */
import { createToken, type Grant } from "@ourocodus/edge";

/** The secret of servers that are started with {@linkcode TOKEN_ENV}. */
export const SECRET = "a-secret-of-these-tests";
/** What has them ask for tokens. */
export const TOKEN_ENV = { OUROCODUS_TOKEN: SECRET };
const HOUR_MS = 3_600_000;

/** Makes a token; for an hour and now, with {@linkcode SECRET}, by default. */
export function makeToken(
  grant: Grant,
  options: { secret?: string; ttlMs?: number; now?: number } = {},
): Promise<string> {
  const { secret = SECRET, ttlMs = HOUR_MS, now } = options;
  return createToken({ secret }, grant, { ttlMs, now });
}

/** Tokens that are worth nothing, by what they are. */
export async function worthlessTokens(): Promise<Record<string, string>> {
  const all: Grant = { can: ["admin"] };
  const good = await makeToken(all);
  const [head, , signature] = good.split(".");
  const claims = btoa(JSON.stringify({ scope: "admin", aud: "ourocodus", exp: 9e9 }));
  const none = btoa(JSON.stringify({ alg: "none" })).replace(/=+$/, "");
  return {
    "a guess": "secret",
    "the secret without its end": SECRET.slice(0, -1),
    "signed with another secret": await makeToken(all, { secret: "another-secret" }),
    "expired": await makeToken(all, { now: Date.now() - 2 * HOUR_MS }),
    "other claims under its signature": `${head}.${claims.replace(/=+$/, "")}.${signature}`,
    "alg none": `${none}.${claims.replace(/=+$/, "")}.`,
    "huge": `${good}${"A".repeat(5_000)}`,
  };
}
