import { isObject } from "@ourocodus/protocol";
import { until } from "./until.ts";

/** Options of {@linkcode SocketAgent.connect}. */
export interface SocketAgentOptions {
  readonly relayUrl: string;
  readonly session: string;
  readonly role: string;
  readonly agentId?: string;
  readonly concurrency?: number;
  /** Speak `ourocodus.v1`; plain by default. */
  readonly v1?: boolean;
  /** Ask for `relay.stored`. */
  readonly confirm?: boolean;
  /** What lets it in. */
  readonly token?: string;
  /** Called with each work item; by default it goes on running. */
  readonly onWork?: (work: ReceivedWork, agent: SocketAgent) => void;
}

/** A work message, as it came. */
export interface ReceivedWork {
  readonly id: string;
  readonly type: string;
  readonly payload: Record<string, unknown>;
  readonly lease?: string;
  readonly attempt?: number;
}

/** An agent made of a bare WebSocket, so that tests can misbehave. */
export class SocketAgent implements AsyncDisposable {
  /** All work that came, in order. */
  readonly works: ReceivedWork[] = [];
  /** All of the relay's own messages, in order. */
  readonly told: ReceivedWork[] = [];
  /** How the socket was closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #socket: WebSocket;

  /** Connects, and waits until the socket is open. @throws {Error} If it does not open. */
  static async connect(options: SocketAgentOptions): Promise<SocketAgent> {
    const query = new URLSearchParams({ session_id: options.session, role: options.role });
    if (options.agentId !== undefined) query.set("agent_id", options.agentId);
    if (options.concurrency !== undefined) query.set("concurrency", `${options.concurrency}`);
    if (options.confirm) query.set("confirm", "true");
    const { token } = options;
    const socket = new WebSocket(`${options.relayUrl}/agent?${query}`, {
      protocols: options.v1 ? ["ourocodus.v1"] : [],
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    const agent = new SocketAgent(socket, options);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      void agent.closed.then(({ code }) => reject(new Error(`socket was closed with ${code}`)));
    });
    if (options.v1) await agent.hears("relay.welcome");
    return agent;
  }

  private constructor(socket: WebSocket, options: SocketAgentOptions) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    });
    socket.addEventListener("error", (event) => event.preventDefault());
    socket.addEventListener("message", ({ data }) => {
      for (const line of options.v1 ? String(data).split("\n") : [String(data)]) {
        const message = JSON.parse(line) as ReceivedWork;
        if (message.type.startsWith("relay.")) this.told.push(message);
        else {
          this.works.push(message);
          options.onWork?.(message, this);
        }
      }
    });
  }

  /** Sends a frame as it is. */
  send(frame: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(frame);
  }

  /** Answers a work item. */
  answer(work: ReceivedWork, payload: object = {}, type = "result"): void {
    this.send(JSON.stringify({ id: work.id, type, payload, lease: work.lease }));
  }

  /** Waits until so many work items have come. @returns The last of them. */
  async gets(count: number): Promise<ReceivedWork> {
    const message = `agent to get ${count} work items`;
    await until(() => this.works.length >= count, { message });
    const work = this.works[count - 1];
    if (work === undefined) throw new RangeError(`count is ${count}, it must be 1 or more`);
    return work;
  }

  /** Waits until the relay has sent a message of this type. @returns The last of them. */
  async hears(type: string): Promise<ReceivedWork> {
    return await until(() => this.told.findLast((message) => message.type === type), {
      message: `relay to send ${type}`,
    });
  }

  /** Closes the socket and waits until it is. */
  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The `work` list of an event, or nothing if it has none. */
export function workItems(event: { readonly payload: Record<string, unknown> }): Item[] {
  const { work } = event.payload;
  return Array.isArray(work) ? work.filter((item): item is Item => isObject(item)) : [];
}

/** An item of such a list. */
export type Item = Record<string, unknown>;
