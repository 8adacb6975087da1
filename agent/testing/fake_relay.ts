import assert from "node:assert/strict";
import { formatMessage, spliceLease, splitFrame, SUBPROTOCOL_V1 } from "@ourocodus/protocol";
import type { Socket, SocketEvents, SocketFactory } from "../socket.ts";
import { turns } from "./fake_clock.ts";

/** What an agent sent, parsed. */
export interface Sent {
  readonly id: string;
  readonly type: string;
  readonly payload: Record<string, unknown>;
  readonly lease: string;
}

/** The relay's end of one connection, in memory. */
export class FakeSocket implements Socket {
  readonly url: URL;
  /** Frames that the agent has sent, without the resumption that each connection begins with. */
  readonly frames: string[] = [];
  /** The leases that it has resumed. */
  resumed: readonly string[] | undefined;
  /** How the agent has closed it, if it has. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** Whether `close` is answered; not, if the other side is gone. */
  answersClose = true;
  bufferedBytes = 0;
  readonly #events: SocketEvents;
  #ended = false;

  constructor(url: string, events: SocketEvents) {
    this.url = new URL(url);
    this.#events = events;
  }

  // The agent's side

  send(frame: string): void {
    assert.equal(this.closed, undefined, "sent after close");
    if (this.resumed !== undefined) return void this.frames.push(frame);
    const [leases, rest] = takeResumption(frame);
    this.resumed = leases;
    if (rest !== "") this.frames.push(rest);
  }

  close(code: number, reason: string): void {
    assert.equal(this.closed, undefined, "closed twice");
    this.closed = { code, reason };
    if (this.answersClose) queueMicrotask(() => this.#end(code, reason));
  }

  // The test's side

  /** Whether the agent has closed it. */
  get isClosed(): boolean {
    return this.closed !== undefined;
  }

  /** Messages that the agent has sent. */
  get sent(): Sent[] {
    return this.frames.flatMap(splitFrame).map((line) => JSON.parse(line));
  }

  /** The types and leases of what it has sent about work. */
  get answers(): string[] {
    return this.sent.filter(({ lease }) => lease).map(({ type, lease }) => `${type} ${lease}`);
  }

  /** Opens it. */
  async open(protocol: string = SUBPROTOCOL_V1): Promise<void> {
    this.#events.onOpen(protocol);
    await turns();
  }

  /** Opens it and welcomes the agent. */
  async welcome(more: object = {}): Promise<void> {
    await this.open();
    await this.say("relay.welcome", {
      relay_id: "fake",
      version: "0",
      max_message_bytes: 1_000_000,
      ...more,
    });
  }

  /** Sends a message of the relay's own. */
  say(type: string, payload: object): Promise<void> {
    return this.frame(formatMessage("relay", type, payload));
  }

  /** Hands out work in one frame; each lease is the work's id too. */
  work(...leases: string[]): Promise<void> {
    return this.frame(leases.map((lease) => workLine(lease, lease)).join("\n"));
  }

  /** Sends a frame. */
  async frame(data: unknown): Promise<void> {
    this.#events.onFrame(data);
    await turns();
  }

  /** Says that results are stored. */
  stored(...leases: string[]): Promise<void> {
    return this.say("relay.stored", { leases });
  }

  /** Ends the connection. */
  async end(code: number, reason?: string, status?: number): Promise<void> {
    this.#end(code, reason ?? "", status);
    await turns();
  }

  #end(code: number, reason: string, status?: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.onClose({ code, reason, ...(status !== undefined && { status }) });
  }
}

/** Relays, in memory: every connection that an agent makes. */
export class FakeRelay {
  readonly sockets: FakeSocket[] = [];

  /** For `serve`. */
  readonly openSocket: SocketFactory = (url, protocol, events) => {
    assert.equal(protocol, SUBPROTOCOL_V1);
    const socket = new FakeSocket(url, events);
    this.sockets.push(socket);
    return socket;
  };

  /** The newest connection. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    assert(socket, "the agent has not connected");
    return socket;
  }
}

/** A line with work. */
export function workLine(id: string, lease: string, attempt = 1, payload: object = {}): string {
  return spliceLease(formatMessage(id, "work", payload), attempt, lease);
}

/** Takes the resumption off the beginning of a connection's first frame. */
export function takeResumption(frame: string): [leases: readonly string[], rest: string] {
  const [first = "", ...rest] = frame.split("\n");
  const { type, payload } = JSON.parse(first);
  assert.equal(type, "resume", "the first message of a connection");
  return [payload.leases, rest.join("\n")];
}
