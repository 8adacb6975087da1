/**
 * `token create`.
 *
 * @module
 */
import { createToken, isScope, MAX_TTL_MS, type Scope, SCOPES, type Signer } from "@ourocodus/edge";
import { messageOf } from "@ourocodus/protocol";
import { findHome, systemSecret } from "@ourocodus/system";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { durationFlag, nameFlag } from "./flag_values.ts";
import { UsageError } from "./usage_error.ts";

/** Flags of `token create`. */
export interface TokenCreateFlags {
  readonly can?: readonly string[];
  readonly session?: string;
  readonly role?: string;
  readonly ttl?: string;
  readonly privateKey?: string;
}

const DEFAULT_TTL_MS = 3_600_000;
const MIN_TTL_MS = 1_000;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
export async function tokenCreate(flags: TokenCreateFlags, console: Console): Promise<ExitCode> {
  const can = scopesOf(flags.can);
  const session = flags.session === undefined ? undefined : nameFlag("--session", flags.session);
  const role = flags.role === undefined ? undefined : nameFlag("--role", flags.role);
  const ttlMs = ttlOf(flags.ttl);
  const signer = await signerOf(flags.privateKey, console);
  await console.out.write(`${await createToken(signer, { can, session, role }, { ttlMs })}\n`);
  return EXIT.ok;
}

function scopesOf(can: readonly string[] | undefined): Scope[] {
  const words = (can ?? []).flatMap((value) => value.split(",")).map((word) => word.trim());
  if (words.length === 0) throw new UsageError(`--can is missing, allowed are ${ALLOWED}`);
  return words.map((word) => {
    if (isScope(word)) return word;
    throw new UsageError(`--can is ${JSON.stringify(word)}, allowed are ${ALLOWED}`);
  });
}

const ALLOWED = SCOPES.join(", ");

function ttlOf(ttl: string | undefined): number {
  if (ttl === undefined) return DEFAULT_TTL_MS;
  const ttlMs = durationFlag("--ttl", ttl);
  if (ttlMs >= MIN_TTL_MS && ttlMs <= MAX_TTL_MS) return ttlMs;
  throw new UsageError(`--ttl is "${ttl}", allowed is 1s to ${MAX_TTL_MS / 86_400_000}d`);
}

async function signerOf(privateKey: string | undefined, { env }: Console): Promise<Signer> {
  if (privateKey === undefined) return { secret: await systemSecret(env, findHome(env)) };
  try {
    return { privateKeyPem: await Deno.readTextFile(privateKey) };
  } catch (error) {
    throw new UsageError(`--private-key cannot be read: ${messageOf(error)}`);
  }
}
