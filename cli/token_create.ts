import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { createToken, isScope, MAX_TTL_MS, type Scope, SCOPES, type Signer } from "@ourocodus/edge";
import { messageOf } from "@ourocodus/protocol";
import { findHome, systemSecret } from "@ourocodus/system";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { durationFlag, optionalPlace } from "./flag_values.ts";
import { ROLE, SESSION } from "./place_flags.ts";
import { helpEnd } from "./shared_flags.ts";
import { UsageError } from "./usage_error.ts";

/** `token create`: makes a token that lets somebody in. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await tokenCreate(flags, console)));
}

function declare() {
  return new Command()
    .description("Makes a token that expires, and prints it alone.")
    .option("--can <what>", "agent, send, read or admin (required); may be repeated", collect)
    .option(SESSION, "only for this session (default: any)")
    .option(ROLE, "only for this role (default: any)")
    .option("--ttl <duration>", "how long it is valid, at most 366d (default: 1h)")
    .option("--private-key <path>", "sign with this key (Ed25519, PEM) instead of the secret")
    .addHelpText(
      "after",
      helpEnd([
        "token create --can agent -s docs -r writer --ttl 30d",
        "token create --can send --can read -s docs",
        "token create --can admin --ttl 12h",
      ], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

const NOTES = `A token with --can may:
  agent   take work from a relay and answer it
  send    send, cancel and retry work, and hear the results
  read    see agents, sessions, work, results and events
  admin   stop agents, and all of the above

The token is signed with the secret of relay and API: $OUROCODUS_TOKEN, the file
$OUROCODUS_TOKEN_FILE, or the secret that ourocodus start has made. To verify tokens of
--private-key, relay and API need the public key in OUROCODUS_TOKEN_PUBLIC_KEY. A token cannot be
taken back before it expires; a new secret makes all of them invalid.`;

const DEFAULT_TTL_MS = 3_600_000;
const MIN_TTL_MS = 1_000;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
async function tokenCreate(flags: Flags, console: Console): Promise<ExitCode> {
  const can = scopesOf(flags.can);
  const place = optionalPlace(flags);
  const ttlMs = ttlOf(flags.ttl);
  const signer = await signerOf(flags.privateKey, console);
  await console.out.write(`${await createToken(signer, { can, ...place }, { ttlMs })}\n`);
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
