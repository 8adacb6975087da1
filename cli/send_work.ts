import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Connection } from "@ourocodus/bus";
import { askRelays, conversationAfter, newWorkId, workPayload } from "@ourocodus/ops";
import { formatMessage } from "@ourocodus/protocol";
import { SystemError } from "@ourocodus/system";
import type { Done, FlagsOf } from "./command.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import {
  durationFlag,
  idFlag,
  nameFlag,
  objectFlag,
  sessionPlace,
  waitFlags,
} from "./flag_values.ts";
import type { HeedlessConsole } from "./heedless_console.ts";
import { readMessageFile } from "./input_file.ts";
import { connectNats } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { sendLines } from "./send_lines.ts";
import { sendOne } from "./send_one.ts";
import { helpEnd, NATS_FLAG, WAIT_TIMEOUT_FLAG } from "./shared_flags.ts";
import { checkWork, findWork } from "./work_item.ts";
import { UsageError } from "./usage_error.ts";

/** `send work`: stores one work item in the queue, or one per line of a file. */
export function command(console: HeedlessConsole, done: Done): CommandUnknownOpts {
  return declare().action(async (input, flags) =>
    done(await sendWork({ ...flags, input }, console))
  );
}

function declare() {
  return new Command()
    .description("Sends one work item, or one per line of a file or of standard input.")
    .argument("[-]", "read lines from standard input, like --file -")
    .addOption(sessionFlag("the session"))
    .addOption(roleFlag("the role; default: the only role of the session's connected agents"))
    .option("-m, --message <text>", 'send the payload {"message": <text>}')
    .option("--message-file <path>", "send the text of this file as message; - is standard input")
    .option("--payload <json>", "send this payload, a JSON object")
    .option("--file <path>", "send a work item per line of this file; - is standard input")
    .option("--id <id>", "the message's id (default: a new one)")
    .option(
      "--deadline <duration>",
      "an error, if it has no result so long after it was first handed out",
    )
    .option("--max-silence <duration>", "another agent, if one says nothing for so long")
    .option("--conversation <name>", "go on in this conversation, after the work sent before")
    .option("--continue <id>", "go on where this work item ends: its id, or its sequence")
    .option("-w, --wait", "wait for the result, and print it")
    .option(...WAIT_TIMEOUT_FLAG)
    .option("--json", "print JSON")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "send work -s docs -r writer -m hello --wait",
        `send work -s docs -r writer --payload '{"topic": "tides"}' --id tides-1`,
        "send work -s docs -r writer --message-file prompt.md",
        "send work -s docs -r writer --file topics.jsonl",
        "send work -s docs -r writer -m 'and now in French' --continue tides-1",
        "send work -s docs -r writer - --wait --json < topics.jsonl",
      ], NOTES),
    );
}

type Flags = FlagsOf<typeof declare> & { readonly input?: string };

const NOTES = `The ✓ means that the server has stored the work item. An --id that is sent again, for
the same session and role within two minutes, is not stored again; the command says so, and with
--wait it finds the earlier result. With another message it is refused, and the exit code is 1.

Work of one conversation is done in its order, one at a time, by the agent that has it: a coding agent
goes on in its session and worktree. --continue also takes work that was sent without a conversation,
finished or not.

With --wait only the text of the result is on standard output, everything else on standard error.
The text is the result's "output"; without one its "text", then its "message", then the whole
payload as JSON. With lines, each result is a line like those of "tail results".

Lines are JSON. A string is a message, like --message. An object is a payload, like --payload, unless
it has "id", "type" and "payload": then it is a whole message, and sent unchanged. Payloads get
"session_id" and "role" unless they have them. Blank lines are ignored. Bad lines are named on
standard error; the others are sent, and the exit code is 1.

With --json the command prints {"id", "session", "role", "subject", "sequence", "duplicate",
"relays", "agents"}, and with --wait also "result", as "tail results --json" prints it, or null. With
lines it prints one object with the counts, and before it with --wait one object per result.`;

type Content =
  | { readonly kind: "payload"; readonly payload: Record<string, unknown> }
  | { readonly kind: "message_file"; readonly file: string }
  | { readonly kind: "lines"; readonly file: string };

/**
 * Runs the command.
 *
 * @throws {UsageError} If the flags contradict each other, or one has a value that cannot be used.
 * @throws {SystemError} If --role is missing, and no relay answers.
 */
async function sendWork(
  flags: Flags,
  console: HeedlessConsole,
): Promise<ExitCode> {
  const { session, role: givenRole } = sessionPlace(flags);
  const waitMs = waitFlags(flags);
  const content = contentOf(flags);
  const limits = limitsOf(flags, content);
  checkConversation(flags, content);
  const id = flags.id === undefined ? newWorkId() : idFlag("--id", flags.id);
  await using connection = await connectNats(console, { url: flags.nats });
  const continued = flags.continue === undefined
    ? undefined
    : await findWork(flags.continue, { session, role: givenRole }, { connection, console });
  if (flags.continue !== undefined && continued === undefined) return EXIT.failed;
  const conversation = continued === undefined ? flags.conversation : conversationAfter(continued);
  const role = givenRole ?? continued?.role ??
    await onlyRole(connection, session, console.signal);
  const sending = {
    session,
    role,
    waitMs,
    json: flags.json === true,
  };
  if (content.kind === "lines") {
    return await sendLines(connection, content.file, sending, console);
  }
  const maxBytes = connection.maxPayloadBytes;
  const payload = content.kind === "payload"
    ? content.payload
    : { message: await readMessageFile(content.file, { maxBytes, console }) };
  const message = formatMessage(id, "work", workPayload(sending, payload));
  const text = withFields(message, { ...(conversation && { conversation }), ...limits });
  return await sendOne(connection, { id, text }, sending, console);
}

/** The content, which exactly one of five flags gives. */
function contentOf(flags: Flags): Content {
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
      `--id is for one work item; in lines, give whole messages: ` +
        `{"id": …, "type": "work", "payload": {…}}`,
    );
  }
  if (flags.messageFile !== undefined) return { kind: "message_file", file: flags.messageFile };
  const payload = flags.payload === undefined
    ? { message: flags.message }
    : objectFlag("--payload", flags.payload);
  return { kind: "payload", payload };
}

/** How long the work may take, in milliseconds. */
function limitsOf(
  { deadline, maxSilence }: Flags,
  { kind }: Content,
): Readonly<Record<string, number>> {
  const given = { "--deadline": deadline, "--max-silence": maxSilence };
  const names = { "--deadline": "deadline_ms", "--max-silence": "no_progress_ms" };
  const limits: Record<string, number> = {};
  for (const [flag, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (kind === "lines") {
      throw new UsageError(
        `${flag} is for one work item; in lines, give whole messages: ` +
          `{"id": …, "type": "work", "payload": {…}, "${names[flag as keyof typeof names]}": …}`,
      );
    }
    limits[names[flag as keyof typeof names]] = durationFlag(flag, value, 30);
  }
  return limits;
}

/** @throws {UsageError} If what is asked for cannot be a conversation. */
function checkConversation(flags: Flags, { kind }: Content): void {
  const { conversation, continue: id } = flags;
  if (conversation !== undefined) nameFlag("--conversation", conversation);
  if (id !== undefined) checkWork(id, {});
  if (conversation !== undefined && id !== undefined) {
    throw new UsageError("--conversation and --continue together: give one of them");
  }
  if (kind !== "lines" || (conversation ?? id) === undefined) return;
  throw new UsageError(
    `${id === undefined ? "--conversation" : "--continue"} is for one work item; in lines, give ` +
      `whole messages: {"id": …, "type": "work", "payload": {…}, "conversation": …}`,
  );
}

/** A message with further fields at its end. */
function withFields(text: string, more: Readonly<Record<string, unknown>>): string {
  const fields = JSON.stringify(more).slice(1, -1);
  return fields === "" ? text : `${text.slice(0, -1)},${fields}}`;
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
      `no relay answers, so the role of session ${session}'s agents is not known: ` +
        "give --role, or start a relay",
    );
  }
  throw new UsageError(
    role === undefined
      ? `no agent is connected to session ${session}, so give --role`
      : `session ${session} has agents of several roles, so give --role: ${roles.join(", ")}`,
  );
}
