/**
 * A relay, and ways to send work, answer it, and run commands about it.
 *
 * @module
 */
import { connect } from "@ourocodus/bus";
import { sendWork } from "@ourocodus/ops";
import { SocketAgent, startNats, startRelay } from "../../tests/support/mod.ts";
import { cli, start } from "./memory_console.ts";

/** Where work goes unless a test says something else. */
const WORK = { session: "s", role: "r" } as const;

/** What a test has at hand; dispose of it. */
export interface WorkScene extends AsyncDisposable {
  readonly natsUrl: string;
  /** Runs a command to its end. */
  cli(...args: string[]): ReturnType<typeof cli>;
  /** Starts a command. */
  start(...args: string[]): ReturnType<typeof start>;
  /** Sends work. @returns Its sequence. */
  send(id: string, place?: { readonly session?: string; readonly role?: string }): Promise<number>;
  /** Connects an agent. */
  agent(options: {
    readonly agentId: string;
    readonly v1?: boolean;
    readonly role?: string;
  }): Promise<SocketAgent>;
}

/** Starts nats-server and a relay. */
export async function workScene(): Promise<WorkScene> {
  const stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const relay = stack.use(await startRelay({ natsUrl: nats.url }));
  const connection = stack.use(await connect({ url: nats.url }));
  return {
    natsUrl: nats.url,
    cli: (...args) => cli(args, { natsUrl: nats.url }),
    start: (...args) => start(args, { natsUrl: nats.url }),
    send: async (id, place = {}) =>
      (await sendWork(connection, { ...WORK, ...place, id, payload: { n: id } })).sequence,
    agent: async (options) =>
      stack.use(await SocketAgent.connect({ relayUrl: relay.url, ...WORK, v1: true, ...options })),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
