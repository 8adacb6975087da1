/**
 * Which piece of work a command is about: by its id, or by its sequence.
 *
 * @module
 */
import type { WorkQuery } from "@ourocodus/ops";
import { invalidId } from "@ourocodus/protocol";
import { nameFlag, sequenceArgument } from "./flag_values.ts";
import { harmless } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";

/** The flags that say how to look for it. */
export interface WorkFlags {
  readonly session?: string;
  readonly role?: string;
  readonly sequence?: true;
}

/** The session and role that are meant, if only some are. @throws {UsageError} */
export function workPlace(
  { session, role }: WorkFlags,
): { readonly session?: string; readonly role?: string } {
  return {
    ...(session !== undefined && { session: nameFlag("--session", session) }),
    ...(role !== undefined && { role: nameFlag("--role", role) }),
  };
}

/** What to look for. @throws {UsageError} If it can be neither id nor sequence. */
export function workQuery(text: string, { sequence }: WorkFlags): WorkQuery {
  if (sequence) return { workSequence: sequenceArgument(text) };
  const wrong = invalidId(text);
  if (wrong !== undefined) throw new UsageError(wrong);
  return { id: text };
}

/**
 * What to look for where an argument may be an id or a sequence: digits alone may be either.
 *
 * @throws {UsageError} If it can be neither id nor sequence.
 */
export function workQueries(text: string, flags: WorkFlags): WorkQuery[] {
  const query = workQuery(text, flags);
  const isSequence = !flags.sequence && /^[1-9]\d{0,14}$/.test(text);
  return isSequence ? [{ workSequence: Number(text) }, query] : [query];
}

/** Says that there is no such work. @param tried Whether digits were taken for a sequence, too. */
export function unknownWork(
  text: string,
  { session, role, sequence }: WorkFlags,
  tried: "one" | "both" = "one",
): string {
  const where = [session && `session ${session}`, role && `role ${role}`].filter(Boolean)
    .join(", ");
  const id = tried === "both" ? `the sequence or the id` : "the id";
  const what = sequence ? `the sequence ${text}` : `${id} ${harmless(JSON.stringify(text))}`;
  const hint = !sequence && tried === "one" && /^\d{1,15}$/.test(text)
    ? ". --sequence takes it for a sequence"
    : "";
  return `nothing is known of work with ${what}${where && ` in ${where}`}: neither the queue nor ` +
    `the log has it (any more)${hint}`;
}
