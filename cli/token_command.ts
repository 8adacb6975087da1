import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { ROLE, SESSION } from "./place_flags.ts";
import { helpEnd } from "./shared_flags.ts";

/** `token`: what lets agents and clients in. */
export function tokenCommand(console: Console, done: (code: ExitCode) => void): Command {
  return new Command("token")
    .description("Makes tokens: what lets agents in to relays, and clients to the API.")
    .addCommand(createCommand(console, done)) as unknown as Command;
}

function createCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("create")
    .description("Makes a token that is valid for some time, and prints it alone.")
    .option("--can <what>", "agent, send, read or admin (required); may be given again", collect)
    .option(SESSION, "only for this session (default: any)")
    .option(ROLE, "only for this role (default: any)")
    .option("--ttl <duration>", "how long it is valid, at most 366d (default: 1h)")
    .option("--private-key <path>", "sign it with this key (Ed25519, PEM), not with the secret")
    .addHelpText(
      "after",
      helpEnd([
        "token create --can agent -s docs -r writer --ttl 30d",
        "token create --can send --can read -s docs",
        "token create --can admin --ttl 12h",
      ], NOTES),
    );
  command.action(async (flags) => {
    const { tokenCreate } = await import("./token_create.ts");
    done(await tokenCreate(flags, console));
  });
  return command as unknown as Command;
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

const NOTES = `What it can:
  agent   take work from a relay and answer it
  send    send work, dead letters again included, and hear its result
  read    see agents, sessions, work, results and events
  admin   stop agents, cancel work, and all of the above

It is made with the secret of relay and API: $OUROCODUS_TOKEN, the file $OUROCODUS_TOKEN_FILE, or
that of ourocodus start. Relay and API verify those made with --private-key if they are given its
public key as OUROCODUS_TOKEN_PUBLIC_KEY. A token cannot be taken back before it expires, save by
another secret.`;
