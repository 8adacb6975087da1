/**
 * Messages that are published together, as one piece of text in NATS' client protocol.
 *
 * Encoding text costs about as much for one message as for a hundred in one piece, and each piece
 * is memory of its own. So messages are collected as text, and turned into bytes once.
 *
 * @module
 */
import { byteLength } from "@ourocodus/protocol";
import type { Connection } from "./connection.ts";

/** What goes with a message. */
export interface PublicationOptions {
  /** The subject on which an answer is awaited, such as an acknowledgement. */
  readonly reply?: string;
  /** The headers' whole text: `NATS/1.0`, a line for each, an empty line (NATS' ADR-4). */
  readonly headers?: string;
  /** How many bytes the headers and the data are, where that is known; else it is measured. */
  readonly headerBytes?: number;
  readonly dataBytes?: number;
}

/** Text of this length is handed on before the end, in characters. */
const PIECE_CHARACTERS = 64 * 1024;
const UTF8 = new TextEncoder();
const LINE_END = UTF8.encode("\r\n");

/** Collects messages, to be published in the order in which they were added. */
export class Publications {
  readonly #connection: Connection;
  #text = "";

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Adds a message: its headers and data together must not be larger than `maxPayloadBytes`.
   *
   * @param subject A valid one, without spaces, as the reply is: neither is checked.
   * @param data Text, which costs less; or bytes.
   */
  add(subject: string, data: string | Uint8Array, options: PublicationOptions = {}): void {
    const { reply = "", headers } = options;
    const bytes = options.dataBytes ??
      (typeof data === "string" ? byteLength(data) : data.length);
    if (headers === undefined) {
      this.#text += `PUB ${subject} ${reply} ${bytes}\r\n`;
    } else {
      const before = options.headerBytes ?? byteLength(headers);
      this.#text += `HPUB ${subject} ${reply} ${before} ${before + bytes}\r\n${headers}`;
    }
    if (typeof data === "string") this.#text += `${data}\r\n`;
    else this.#write(data, LINE_END);
    if (this.#text.length > PIECE_CHARACTERS) this.send();
  }

  /** Hands all that was added to the connection, which must be up. */
  send(): void {
    if (this.#text !== "") this.#write();
  }

  #write(...more: Uint8Array[]): void {
    const text = this.#text;
    this.#text = "";
    this.#connection.write(UTF8.encode(text), ...more);
  }
}
