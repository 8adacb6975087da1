/**
 * Where servers have what they verify tokens with, and the command line what it makes them with.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { messageOf, SettingError, type SettingsOf, text } from "@ourocodus/protocol";
import { looksSigned, MAX_TOKEN_CHARACTERS } from "./token.ts";
import type { TokenKeys } from "./token_verifier.ts";

/** What relay and API verify tokens with. */
export const TOKEN_SETTINGS = {
  secret: text("OUROCODUS_TOKEN", "the secret that others need, or tokens made with it", {
    parse: checkedSecret,
  }),
  secretFile: text(
    "OUROCODUS_TOKEN_FILE",
    "the file that has the secret; made if it is not there",
  ),
  publicKey: text(
    "OUROCODUS_TOKEN_PUBLIC_KEY",
    "verifies tokens signed elsewhere (Ed25519, PEM)",
  ),
};

/** Their values. */
export type TokenSettings = Partial<SettingsOf<typeof TOKEN_SETTINGS>>;

/** With fewer characters, a secret can be guessed from a token that was made with it. */
export const GOOD_SECRET_CHARACTERS = 16;

const SECRET_BYTES = 32;

/** Whether there is anything that verifies tokens. */
export function hasTokens({ secret, secretFile, publicKey }: TokenSettings): boolean {
  return [secret, secretFile, publicKey].some((setting) => setting !== undefined);
}

/**
 * Reads what the settings name.
 *
 * @param options `make`: a file for the secret that is not there is made, with a random secret
 * that only its owner may read. Of several that do so at once, all get the same secret.
 * @throws {SettingError} If a file cannot be read or made, or has no secret in it.
 */
export async function readTokenKeys(
  settings: TokenSettings,
  options: { readonly make?: boolean } = {},
): Promise<TokenKeys> {
  const { secret, secretFile, publicKey } = settings;
  return {
    secret: secret ??
      (secretFile === undefined ? undefined : await secretIn(secretFile, options.make ?? false)),
    publicKeyPem: publicKey === undefined || publicKey.startsWith("-----BEGIN")
      ? publicKey
      : await fileSetting("OUROCODUS_TOKEN_PUBLIC_KEY", publicKey),
  };
}

/** A secret that nobody guesses. */
export function randomSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

/**
 * The text of the file that a setting names.
 *
 * @throws {SettingError} If it cannot be read; names setting and file.
 */
export async function fileSetting(name: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw unusable(name, path, "read", error);
  }
}

async function secretIn(path: string, make: boolean): Promise<string> {
  const name = "OUROCODUS_TOKEN_FILE";
  if (make) await makeSecret(name, path);
  const secret = (await fileSetting(name, path)).trim();
  if (secret === "") throw new SettingError(`${name} is "${path}", which is empty`);
  return checkedSecret(secret, `the file ${path} (${name})`);
}

async function makeSecret(name: string, path: string): Promise<void> {
  if (await exists(path)) return;
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(draft, `${randomSecret()}\n`, { mode: 0o600, createNew: true });
    // A link is made once: who comes second takes what is there, and nobody finds half a secret.
    await Deno.link(draft, path).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
    await Deno.remove(draft);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw unusable(name, path, "made", error);
    const why = `${name} is "${path}", which is not there, and this program's permissions (see ` +
      "deno.json) do not let it make a file there. Make it: openssl rand -base64 32";
    throw new SettingError(why, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw unusable("OUROCODUS_TOKEN_FILE", path, "read", error);
  }
}

function unusable(name: string, path: string, what: string, error: unknown): SettingError {
  const why = `${name} is "${path}", which cannot be ${what}: ${messageOf(error)}`;
  return new SettingError(why, { cause: error });
}

function checkedSecret(secret: string, name: string): string {
  if (secret.length > MAX_TOKEN_CHARACTERS) {
    throw new SettingError(
      `${name} has ${secret.length} characters, limit is ${MAX_TOKEN_CHARACTERS}`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw new SettingError(`${name} must be of printable ASCII characters, without spaces`);
  }
  if (looksSigned(secret)) {
    throw new SettingError(
      `${name} is a signed token; here the secret is needed that tokens are made with`,
    );
  }
  return secret;
}
