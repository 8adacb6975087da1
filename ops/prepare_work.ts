/**
 * Work as it is published: its subject, headers and text, checked.
 *
 * @module
 */
import { PublishError } from "@ourocodus/bus";
import { formatMessage, invalidId, workSubject } from "@ourocodus/protocol";

/** A work item to send: either its payload, or the whole message as text. */
export type Work =
  & {
    readonly session: string;
    readonly role: string;
    /** 1 to 128 printable characters; the same as in `text`. */
    readonly id: string;
    /**
     * Its `Nats-Msg-Id`: of what has the same, one is stored within the stream's duplicate window;
     * by default one made of session, role and id. ASCII without blanks.
     */
    readonly messageId?: string;
    /** Further headers; neither names nor values may contain line breaks. */
    readonly headers?: Readonly<Record<string, string>>;
  }
  & (
    | { readonly payload: object; readonly text?: undefined }
    | { readonly text: string; readonly payload?: undefined }
  );

/** It, ready to be published. */
export interface PreparedWork {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
}

const MESSAGE_ID = "Nats-Msg-Id";
const UTF8 = new TextEncoder();

/**
 * Prepares work.
 *
 * @param maxPayloadBytes The server's limit, headers included.
 * @throws {PublishError} If its id cannot be one, or it is larger than that.
 * @throws {InvalidNameError} If the session or the role cannot stand in a subject.
 */
export function prepareWork(work: Work, maxPayloadBytes: number): PreparedWork {
  const { session, role, id } = work;
  const wrongId = invalidId(id);
  if (wrongId !== undefined) throw new PublishError(`Cannot send work: ${wrongId}`);
  const subject = workSubject(session, role);
  const data = UTF8.encode(workText(work));
  const { messageId = workMessageId(session, role, id) } = work;
  const headers = { ...work.headers, [MESSAGE_ID]: messageId };
  const bytes = data.length + headerBytes(headers);
  if (bytes > maxPayloadBytes) {
    throw new PublishError(
      `Cannot publish to "${subject}": message is ${bytes} bytes with its headers, limit is ` +
        `${maxPayloadBytes}. Send less, or raise max_payload of nats-server`,
    );
  }
  return { subject, headers, data };
}

/** The work's message, as it is published. */
export function workText({ id, text, payload }: Work): string {
  return text ?? formatMessage(id, "work", payload);
}

/**
 * The `Nats-Msg-Id` by which the server recognises work that was sent before: one for each id
 * within a session and role, safe in a header whatever the id holds.
 */
export function workMessageId(session: string, role: string, id: string): string {
  return `${session}.${role}.${encodeURIComponent(id)}`;
}

/** What headers take of a message's size: their text, all of it ASCII. */
function headerBytes(headers: Readonly<Record<string, string>>): number {
  return Object.entries(headers).reduce(
    (sum, [name, value]) => sum + `${name}: ${value}\r\n`.length,
    "NATS/1.0\r\n\r\n".length,
  );
}
