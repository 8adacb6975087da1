import { until } from "./until.ts";

/** What a frame holds (RFC 6455, section 5.2). */
export const OPCODE = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** One frame to send. Every field may be as wrong as a test wants it. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload?: Uint8Array;
  /** Whether it is its message's last one; default true. */
  readonly fin?: boolean;
  /** The three reserved bits, 0 to 7; the highest, 4, means "compressed". Default 0. */
  readonly reserved?: number;
  /** What its header says of its length, in bytes; default the payload's. */
  readonly declaredLength?: number;
}

/** A frame that came. */
export interface ReceivedFrame {
  readonly opcode: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** How the server ended a {@linkcode RawSocket}. */
export interface RawClose {
  /** The close frame's code; 1006 if there was none. */
  readonly code: number;
  readonly reason: string;
}

/** Options of {@linkcode RawSocket.connect}. */
export interface RawSocketOptions {
  /** `ws://host:port`. */
  readonly relayUrl: string;
  readonly session: string;
  readonly role: string;
  readonly agentId?: string;
  readonly concurrency?: number;
  /** Offer `ourocodus.v1`; plain by default. */
  readonly v1?: boolean;
  /** Further lines of the handshake's header. */
  readonly headers?: Readonly<Record<string, string>>;
}

const UTF8 = new TextEncoder();
const NO_CODE = 1006;

/**
 * A WebSocket client made of bytes, for what no proper client would send: frames that lie about
 * their length, are never ended, compressed without leave, or not read at all.
 */
export class RawSocket implements AsyncDisposable {
  /** The head of the answer to the handshake. */
  readonly answer: string;
  /** Data frames that came, in order. */
  readonly frames: ReceivedFrame[] = [];
  /** Settles when the server has closed the connection. */
  readonly closed: Promise<RawClose>;
  readonly #connection: Deno.TcpConn;
  #buffer: Uint8Array<ArrayBuffer>;
  #close: RawClose = { code: NO_CODE, reason: "" };
  #paused: PromiseWithResolvers<void> | undefined;

  /** Connects and shakes hands. @throws {Error} If the server does not upgrade; with its answer. */
  static async connect(options: RawSocketOptions): Promise<RawSocket> {
    const { hostname, port } = new URL(options.relayUrl.replace("ws:", "http:"));
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const query = new URLSearchParams({ session_id: options.session, role: options.role });
    if (options.agentId !== undefined) query.set("agent_id", options.agentId);
    if (options.concurrency !== undefined) query.set("concurrency", String(options.concurrency));
    const lines = [
      `GET /agent?${query} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${
        btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
      }`,
      ...(options.v1 ? ["Sec-WebSocket-Protocol: ourocodus.v1"] : []),
      ...Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    ];
    await writeAll(connection, UTF8.encode(`${lines.join("\r\n")}\r\n\r\n`));
    const { head, rest } = await readHead(connection);
    if (!head.startsWith("HTTP/1.1 101")) {
      connection.close();
      throw new Error(`The server did not upgrade: ${head}`);
    }
    return new RawSocket(connection, head, rest);
  }

  private constructor(
    connection: Deno.TcpConn,
    answer: string,
    rest: Uint8Array<ArrayBuffer>,
  ) {
    this.#connection = connection;
    this.answer = answer;
    this.#buffer = rest;
    this.closed = this.#read();
  }

  /** The texts of the text frames that came. */
  get texts(): string[] {
    const decoder = new TextDecoder();
    return this.frames.filter(({ opcode }) => opcode === OPCODE.text)
      .map(({ payload }) => decoder.decode(payload));
  }

  /** Waits until a text frame comes that holds this. @returns The first. */
  async hears(part: string): Promise<string> {
    return await until(() => this.texts.find((text) => text.includes(part)), {
      message: `a frame with ${part}`,
      timeoutMs: 30_000,
    });
  }

  /** Sends a frame, masked as a client's must be. */
  async send(frame: RawFrame): Promise<void> {
    await this.write(frameBytes(frame));
  }

  /** Sends a text frame. */
  async text(text: string): Promise<void> {
    await this.send({ opcode: OPCODE.text, payload: UTF8.encode(text) });
  }

  /** Sends bytes as they are. @returns Whether they could be sent: the server may have closed. */
  async write(bytes: Uint8Array): Promise<boolean> {
    try {
      await writeAll(this.#connection, bytes);
      return true;
    } catch {
      return false;
    }
  }

  /** Reads nothing more until {@linkcode resume}: what is sent waits at the server. */
  pause(): void {
    this.#paused ??= Promise.withResolvers();
  }

  /** Goes on reading. */
  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  /** Breaks the connection without a word. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    close(this.#connection);
    await this.closed;
  }

  async #read(): Promise<RawClose> {
    const part = new Uint8Array(256 * 1024);
    try {
      while (true) {
        await this.#parse();
        await this.#paused?.promise;
        const length = await this.#connection.read(part);
        if (length === null) break;
        this.#buffer = concat(this.#buffer, part.subarray(0, length));
      }
    } catch {
      // Closed by either side.
    }
    close(this.#connection);
    return this.#close;
  }

  async #parse(): Promise<void> {
    for (let frame = takeFrame(this.#buffer); frame; frame = takeFrame(this.#buffer)) {
      const { opcode, payload, rest } = frame;
      this.#buffer = rest;
      if (opcode === OPCODE.ping) await this.send({ opcode: OPCODE.pong, payload });
      else if (opcode === OPCODE.close) await this.#closing(payload);
      else if (opcode !== OPCODE.pong) this.frames.push({ opcode, payload });
    }
  }

  async #closing(payload: Uint8Array<ArrayBuffer>): Promise<void> {
    if (payload.length >= 2) {
      const code = new DataView(payload.buffer, payload.byteOffset).getUint16(0);
      this.#close = { code, reason: new TextDecoder().decode(payload.subarray(2)) };
    }
    await this.send({ opcode: OPCODE.close, payload: payload.subarray(0, 2) });
  }
}

/** A client's frame as bytes, masked with zeros: masking is not what tests are about. */
export function frameBytes(frame: RawFrame): Uint8Array<ArrayBuffer> {
  const { opcode, payload = new Uint8Array(), fin = true, reserved = 0 } = frame;
  const length = frame.declaredLength ?? payload.length;
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = new Uint8Array(2 + extended + 4);
  const view = new DataView(header.buffer);
  header[0] = first;
  header[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) view.setUint16(2, length);
  else if (extended === 8) view.setBigUint64(2, BigInt(length));
  return concat(header, payload);
}

function takeFrame(
  buffer: Uint8Array<ArrayBuffer>,
): (ReceivedFrame & { readonly rest: Uint8Array<ArrayBuffer> }) | undefined {
  if (buffer.length < 2) return undefined;
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  const short = view.getUint8(1) & 0x7f;
  const header = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (buffer.length < header) return undefined;
  const length = short < 126
    ? short
    : short === 126
    ? view.getUint16(2)
    : Number(view.getBigUint64(2));
  if (buffer.length < header + length) return undefined;
  return {
    opcode: view.getUint8(0) & 0x0f,
    payload: buffer.slice(header, header + length),
    rest: buffer.subarray(header + length),
  };
}

async function readHead(
  connection: Deno.TcpConn,
): Promise<{ head: string; rest: Uint8Array<ArrayBuffer> }> {
  let bytes = new Uint8Array();
  const part = new Uint8Array(4_096);
  while (true) {
    const text = new TextDecoder("latin1").decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return { head: text.slice(0, end), rest: bytes.slice(end + 4) };
    const length = await connection.read(part);
    if (length === null) throw new Error(`The server closed in mid-handshake: ${text}`);
    bytes = concat(bytes, part.subarray(0, length));
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
