import { formatMessage, RELAY_TYPE, splitFrame, SUBPROTOCOL_V1 } from "@ourocodus/protocol";
import { until } from "../../tests/support/mod.ts";
import { type Sent, takeResumption } from "./fake_relay.ts";

/** What a {@linkcode StandInRelay} does with an agent's request. */
export type Answer = (request: Request) => Response | undefined;

/** A server that agents can connect to over a real WebSocket; the test says what it sends. */
export class StandInRelay implements AsyncDisposable {
  /** Every connection, the oldest first. */
  readonly sockets: WebSocket[] = [];
  /** Frames of all connections, in order, without the resumptions that they begin with. */
  readonly frames: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @param answer Answers a request instead of upgrading it, if it returns something. */
  constructor(answer: Answer = () => undefined) {
    const listen = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(listen, (request) => answer(request) ?? this.#accept(request));
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Messages that agents have sent. */
  get sent(): Sent[] {
    return this.frames.flatMap(splitFrame).map((line) => JSON.parse(line));
  }

  /** Waits for a connection, the first being 0, and for its welcome to be sent. */
  async connection(index: number): Promise<WebSocket> {
    return await until(() => this.sockets[index], { message: `connection ${index}` });
  }

  /** Waits until agents have sent so many messages. */
  async messages(count: number): Promise<Sent[]> {
    await until(() => this.sent.length >= count, { message: `${count} messages` });
    return this.sent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) {
      if (socket.readyState === WebSocket.OPEN) socket.close(4000, "the end");
    }
    await this.#server.shutdown();
  }

  #accept(request: Request): Response {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: SUBPROTOCOL_V1 });
    socket.onopen = () => {
      const limits = { relay_id: "stand-in", version: "0", max_message_bytes: 1_000_000 };
      socket.send(formatMessage("1", RELAY_TYPE.welcome, limits));
      this.sockets.push(socket);
    };
    let begun = false;
    socket.onmessage = ({ data }) => {
      const frame = begun ? data : takeResumption(data)[1];
      begun = true;
      if (frame !== "") this.frames.push(frame);
    };
    return response;
  }
}

/** Says that results are stored. */
export function storedLine(...leases: string[]): string {
  return formatMessage("2", RELAY_TYPE.stored, { leases });
}
