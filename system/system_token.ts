/**
 * The secret of the system on this machine, if it has one: commands find it, so that agents get
 * tokens of their own. No agent is given the secret itself.
 *
 * @module
 */
import { createToken, looksSigned, MAX_TTL_MS, readTokenKeys } from "@ourocodus/edge";
import { type Environment, readSettings, SettingError, text } from "@ourocodus/protocol";
import { type Home, makeHome } from "./home.ts";
import { readHomeFile, removeHomeFile, writeHomeFile } from "./home_file.ts";

/** What lets commands in. */
export const SYSTEM_TOKEN_SETTINGS = {
  token: text("OUROCODUS_TOKEN", "the secret of relay and API, or a token made with it", {
    otherwise: "the home's",
  }),
  secretFile: text("OUROCODUS_TOKEN_FILE", "the file that has the secret"),
};

/**
 * The token there is: that of the environment, else the secret that the system of this home was
 * started with.
 *
 * @throws {SettingError} If `OUROCODUS_TOKEN_FILE` cannot be read.
 */
export async function systemToken(env: Environment, home: Home): Promise<string | undefined> {
  const { token, secretFile } = readSettings(SYSTEM_TOKEN_SETTINGS, env);
  if (token !== undefined) return token;
  if (secretFile !== undefined) return (await readTokenKeys({ secretFile })).secret;
  return (await readHomeFile(home.token))?.trim() || undefined;
}

/** Keeps the secret for later commands; without one, forgets that of before. */
export async function keepSystemToken(home: Home, secret: string | undefined): Promise<void> {
  if (secret === undefined) return removeHomeFile(home.token);
  await makeHome(home);
  writeHomeFile(home.token, `${secret}\n`, { mode: 0o600 });
}

/**
 * A token for agents of one session and role: made of the secret; one that is signed already is
 * handed on as it is.
 *
 * @returns Undefined where there is no secret: then none is needed.
 */
export async function agentToken(
  env: Environment,
  home: Home,
  { session, role }: { readonly session: string; readonly role: string },
): Promise<string | undefined> {
  const token = await systemToken(env, home);
  if (token === undefined || looksSigned(token)) return token;
  return await createToken({ secret: token }, { can: ["agent"], session, role }, {
    ttlMs: MAX_TTL_MS,
  });
}

/**
 * The secret that tokens are made with.
 *
 * @throws {SettingError} If there is none, or a token in its place.
 */
export async function systemSecret(env: Environment, home: Home): Promise<string> {
  const secret = await systemToken(env, home);
  if (secret === undefined) {
    throw new SettingError(
      "There is no secret to make a token with: set OUROCODUS_TOKEN to that of relay and API " +
        "(openssl rand -base64 32 makes one), or give --private-key",
    );
  }
  if (!looksSigned(secret)) return secret;
  throw new SettingError(
    "OUROCODUS_TOKEN is a signed token; tokens are made with the secret of relay and API",
  );
}
