/**
 * `send work`: checks the flags, finds the role, and sends one piece of work or many.
 *
 * @module
 */
import type { Connection } from "@ourocodus/bus";
import { askRelays } from "@ourocodus/ops";
import { SystemError } from "@ourocodus/system";
import type { ExitCode } from "./exit_codes.ts";
import { idFlag, nameFlag, objectFlag, timeoutFlag } from "./flag_values.ts";
import type { HeedlessConsole } from "./heedless_console.ts";
import { readMessageFile } from "./input_file.ts";
import { connectNats } from "./nats.ts";
import { sendLines } from "./send_lines.ts";
import { sendOne } from "./send_one.ts";
import { UsageError } from "./usage_error.ts";

/** The command line of `send work`. */
export interface SendWorkFlags {
  readonly session?: string;
  readonly role?: string;
  readonly message?: string;
  readonly messageFile?: string;
  readonly payload?: string;
  readonly file?: string;
  readonly input?: string;
  readonly id?: string;
  readonly wait?: true;
  readonly timeout: string;
  readonly json?: true;
  readonly nats?: string;
}

type Content =
  | { readonly kind: "payload"; readonly payload: Record<string, unknown>; readonly id?: string }
  | { readonly kind: "message_file"; readonly file: string; readonly id?: string }
  | { readonly kind: "lines"; readonly file: string };

/**
 * Runs the command.
 *
 * @throws {UsageError} If the flags don't go together, or one has a value that cannot be used.
 * @throws {SystemError} If the role is to be found out, and no relay answers.
 */
export async function sendWorkCommandLine(
  flags: SendWorkFlags,
  console: HeedlessConsole,
): Promise<ExitCode> {
  const session = nameFlag("--session", flags.session);
  const givenRole = flags.role === undefined ? undefined : nameFlag("--role", flags.role);
  const timeoutMs = timeoutFlag("--timeout", flags.timeout);
  const content = contentOf(flags);
  await using connection = await connectNats(console, { url: flags.nats });
  const role = givenRole ?? await onlyRole(connection, session, console.signal);
  const sending = {
    session,
    role,
    waitMs: flags.wait ? timeoutMs : undefined,
    json: flags.json === true,
  };
  switch (content.kind) {
    case "lines":
      return await sendLines(connection, content.file, sending, console);
    case "message_file": {
      const maxBytes = connection.maxPayloadBytes;
      const message = await readMessageFile(content.file, { maxBytes, console });
      return await sendOne(connection, { payload: { message }, id: content.id }, sending, console);
    }
    case "payload":
      return await sendOne(connection, content, sending, console);
  }
}

/** What is to be sent: exactly one of the five ways to say it. */
function contentOf(flags: SendWorkFlags): Content {
  if (flags.input !== undefined && flags.input !== "-") {
    throw new UsageError(`unexpected argument ${JSON.stringify(flags.input)}, allowed is only -`);
  }
  const ways = {
    "--message": flags.message,
    "--message-file": flags.messageFile,
    "--payload": flags.payload,
    "--file": flags.file,
    "-": flags.input,
  };
  const given = Object.entries(ways).filter(([, value]) => value !== undefined).map(([way]) => way);
  if (given.length !== 1) {
    const problem = given.length === 0 ? "nothing to send" : `${given.join(" and ")} together`;
    throw new UsageError(
      `${problem}: give one of --message, --message-file, --payload, --file and -`,
    );
  }
  const file = flags.file ?? flags.input;
  if (file !== undefined) {
    if (flags.id === undefined) return { kind: "lines", file };
    throw new UsageError(
      `--id is for one piece of work; in lines, an id stands in the message: ` +
        `{"id": …, "type": "work", "payload": {…}}`,
    );
  }
  const id = flags.id === undefined ? undefined : idFlag("--id", flags.id);
  if (flags.messageFile !== undefined) return { kind: "message_file", file: flags.messageFile, id };
  const payload = flags.payload === undefined
    ? { message: flags.message }
    : objectFlag("--payload", flags.payload);
  return { kind: "payload", payload, id };
}

async function onlyRole(
  connection: Connection,
  session: string,
  signal: AbortSignal,
): Promise<string> {
  const { relays, agents } = await askRelays(connection, { session }, { signal });
  const roles = [...new Set(agents.map((agent) => agent.role))].sort();
  const [role] = roles;
  if (role !== undefined && roles.length === 1) return role;
  if (relays.length === 0) {
    throw new SystemError(
      `no relay answers, so the role of session ${session}'s agents cannot be found out: ` +
        "give --role, or start a relay",
    );
  }
  throw new UsageError(
    role === undefined
      ? `no agent is connected to session ${session}, so give --role`
      : `session ${session} has agents of several roles, so give --role: ${roles.join(", ")}`,
  );
}
