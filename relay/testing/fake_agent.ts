import type { AgentConnection, AgentSocket } from "../agent_connection.ts";
import type { AgentRequest } from "../agent_request.ts";
import type { Relay } from "../relay.ts";
import { until } from "../../tests/support/mod.ts";

/** A work message as it came. */
export interface GivenWork {
  readonly id: string;
  readonly type: string;
  readonly payload: Record<string, unknown>;
  readonly lease?: string;
  readonly attempt?: number;
}

/** What differs from a plain agent of session `s` and role `r`. */
export interface FakeAgentOptions extends Partial<Omit<AgentRequest, "protocol">> {
  readonly v1?: boolean;
}

/** An agent whose socket is an object: what it is sent is kept, what it sends goes to the relay. */
export class FakeAgent implements AgentSocket {
  /** Frames that it was sent. */
  readonly frames: string[] = [];
  /** How the relay closed it. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** How many bytes pretend to wait for it. */
  unreadBytes = 0;
  readonly connection: AgentConnection;
  readonly #relay: Relay;

  constructor(relay: Relay, options: FakeAgentOptions = {}) {
    this.#relay = relay;
    this.connection = relay.connected({
      session: options.session ?? "s",
      role: options.role ?? "r",
      agentId: options.agentId,
      concurrency: options.concurrency ?? 1,
      protocol: options.v1 ? "ourocodus.v1" : "plain",
      confirm: options.confirm ?? false,
      limitKey: options.limitKey,
      limits: options.limits ?? {},
    }, this);
  }

  /** Called by the relay. */
  send(frame: string): void {
    this.frames.push(frame);
  }

  /** Called by the relay; the socket's end is reported a little later, as a real one's is. */
  close(code: number, reason: string): void {
    this.closed = { code, reason };
    queueMicrotask(() => this.#relay.disconnected(this.connection, { code, reason }));
  }

  /** All messages that it was sent. */
  get messages(): GivenWork[] {
    return this.frames.flatMap((frame) => frame.split("\n")).map((line) => JSON.parse(line));
  }

  /** All work that it was sent. */
  get works(): GivenWork[] {
    return this.messages.filter(({ type }) => !type.startsWith("relay."));
  }

  /** Payloads of the relay's own messages of a type. */
  told(type: string): Record<string, unknown>[] {
    return this.messages.filter((message) => message.type === type).map(({ payload }) => payload);
  }

  /** Codes of the relay's errors, in order. */
  get errors(): unknown[] {
    return this.told("relay.error").map(({ code }) => code);
  }

  /** How many attempts it has. */
  get inHand(): number {
    return this.connection.taken - this.resuming;
  }

  /** How many attempts it says that it has, which is being looked up. */
  get resuming(): number {
    return this.connection.attempts().filter(({ state }) => state === "resuming").length;
  }

  /** Waits until it has been sent this many work items. @returns The last of them. */
  async hasWork(count = 1): Promise<GivenWork> {
    return await until(() => this.works.length >= count && this.works[count - 1], {
      message: `work number ${count}`,
    });
  }

  /** Waits for the relay's messages of a type. @returns The payload of the one with this number. */
  async isTold(type: string, count = 1): Promise<Record<string, unknown>> {
    return await until(() => this.told(type)[count - 1], { message: `${type} number ${count}` });
  }

  /** Sends a frame. */
  frame(frame: unknown): void {
    this.#relay.received(this.connection, frame);
  }

  /** Sends a message, about a work item with its id and lease if there is one. */
  say(type: string, work: Partial<GivenWork>, payload: object = {}): void {
    const { id = "1", lease } = work;
    this.frame(JSON.stringify({ id, type, payload, lease }));
  }

  /** Its socket goes. */
  leave(code = 1006, reason = ""): void {
    this.#relay.disconnected(this.connection, { code, reason });
  }
}

/** An agent says which work it has, by its leases. */
export function resume(agent: FakeAgent, ...works: GivenWork[]): void {
  agent.say("resume", { id: "resume" }, { leases: works.map(({ lease }) => lease) });
}
