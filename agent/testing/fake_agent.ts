import type { AgentEvent } from "../events.ts";
import { serve, type ServeOptions } from "../serve.ts";
import type { Handler } from "../work.ts";
import { FakeClock, turns } from "./fake_clock.ts";
import { FakeRelay, type FakeSocket } from "./fake_relay.ts";

/** An agent with a clock and relays in memory. */
export class FakeAgent {
  readonly clock = new FakeClock();
  readonly relay = new FakeRelay();
  readonly events: AgentEvent[] = [];
  readonly #stop = new AbortController();
  /** Settles with `serve`: with `undefined`, or what it threw. */
  readonly done: Promise<unknown>;
  ended = false;

  constructor(handler: Handler, options: Partial<ServeOptions> = {}) {
    const serving = serve({
      relayUrl: "ws://relay.test",
      session: "s",
      role: "r",
      agentId: "a",
      signal: this.#stop.signal,
      onEvent: (event) => this.events.push(event),
      clock: this.clock,
      openSocket: this.relay.openSocket,
      ...options,
    }, handler);
    this.done = serving.then(
      () => undefined,
      (error) => error ?? new Error("rejected with nothing"),
    )
      .finally(() => this.ended = true);
  }

  /** The newest connection. */
  get socket(): FakeSocket {
    return this.relay.socket;
  }

  /** The types of its events. */
  get told(): string[] {
    return this.events.map((event) => event.type);
  }

  /** Asks it to stop. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await turns();
  }

  /** Ends the connection, and waits until the next is made. */
  async reconnect(code = 1006): Promise<void> {
    const before = this.relay.sockets.length;
    await this.socket.end(code);
    while (this.relay.sockets.length === before) await this.clock.advance(1_000);
  }

  /** The event of a type that came last. */
  event<T extends AgentEvent["type"]>(type: T): (AgentEvent & { type: T }) | undefined {
    return this.events.findLast((event) => event.type === type) as AgentEvent & { type: T };
  }
}
