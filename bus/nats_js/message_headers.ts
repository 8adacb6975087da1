/**
 * The headers of a message, whatever stands there (NATS' ADR-4 has their form). A server passes any
 * bytes on as headers, so the sender decides on them; nats.js throws at a malformed name or
 * value, for one in the midst of its own reading. Nothing here throws.
 *
 * @module
 */
import type { Msg } from "@nats-io/nats-core";
import type { MsgImpl } from "@nats-io/nats-core/internal";

/** What a server says in a message without data: `NATS/1.0 404 Message Not Found`. */
export interface MessageStatus {
  /** Like an HTTP status; 0 if there is none. */
  readonly code: number;
  readonly description: string;
}

const LINE = "\r\n";
const UTF8 = new TextDecoder();
const STATUS = /^NATS\/\d\.\d +(\d{3})(?: +(.*))?$/;

/** The headers of one message, taken apart when they are first asked for. */
export class MessageHeaders {
  readonly #text: string;
  #values: Map<string, string[]> | undefined;

  /** @param message The message, or its headers' bytes. */
  constructor(message: Msg | Uint8Array) {
    this.#text = UTF8.decode(message instanceof Uint8Array ? message : headerBytes(message));
  }

  get status(): MessageStatus {
    const [, code, description = ""] = STATUS.exec(this.#text.split(LINE, 1)[0] ?? "") ?? [];
    return { code: Number(code ?? 0), description: description.trim() };
  }

  /**
   * A header's first value: the one that a server goes by, of those that the publisher gave.
   *
   * @param name Case matters.
   * @returns `undefined` if it is not there, or empty.
   */
  first(name: string): string | undefined {
    return this.#all.get(name)?.[0] || undefined;
  }

  /**
   * A header's last value: the one that a server has added.
   *
   * @param name Case matters.
   * @returns `undefined` if it is not there, or empty.
   */
  last(name: string): string | undefined {
    return this.#all.get(name)?.at(-1) || undefined;
  }

  /** All values of a header, in their order. @param name Case matters. */
  values(name: string): readonly string[] {
    return this.#all.get(name) ?? [];
  }

  get #all(): ReadonlyMap<string, string[]> {
    return this.#values ??= parse(this.#text);
  }
}

/** A server's status that nobody listens to a request's subject. */
export const NO_RESPONDERS = 503;

/** A message's status, if it is one of a server's. */
export function statusOf(message: Msg): MessageStatus {
  return new MessageHeaders(message).status;
}

function headerBytes(message: Msg): Uint8Array {
  const { _msg: { hdr: length }, _rdata: data } = message as MsgImpl;
  return data.subarray(0, Math.max(0, length));
}

function parse(text: string): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const line of text.split(LINE).slice(1)) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon);
    const values = all.get(name);
    const value = line.slice(colon + 1).trim();
    if (values === undefined) all.set(name, [value]);
    else values.push(value);
  }
  return all;
}
