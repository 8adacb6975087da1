import { until } from "../../tests/support/mod.ts";
import type { AgentEvent } from "../events.ts";
import { serve, type ServeOptions } from "../serve.ts";
import type { Handler } from "../work.ts";

/** An agent with real sockets and real, short, waits between them. Disposing of it stops it. */
export class TestAgent implements AsyncDisposable {
  readonly events: AgentEvent[] = [];
  readonly #stop = new AbortController();
  /** Settles with `serve`: with `undefined`, or what it threw. */
  readonly done: Promise<unknown>;

  constructor(relayUrl: string, handler: Handler, options: Partial<ServeOptions> = {}) {
    const serving = serve({
      relayUrl,
      session: "test",
      role: "r",
      signal: this.#stop.signal,
      backoffBaseMs: 5,
      backoffCapMs: 50,
      onEvent: (event) => this.events.push(event),
      ...options,
    }, handler);
    this.done = serving.then(() => undefined, (error) => error);
  }

  /** Waits for an event of a type. */
  async told(type: AgentEvent["type"]): Promise<AgentEvent> {
    return await until(() => this.events.find((event) => event.type === type), {
      message: `an event ${type}`,
    });
  }

  /** Stops it. @returns Its {@linkcode done}. */
  async stop(): Promise<unknown> {
    this.#stop.abort();
    return await this.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
