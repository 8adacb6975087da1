/**
 * An agent's link to its relays: a connection, and after it the next, until it is ended.
 *
 * Invariants:
 * 1. There is one connection at a time. The next is begun after the earlier one's end was told, or
 *    after it did not answer `close` in time and was abandoned; nothing that an abandoned connection
 *    tells is heard.
 * 2. Every timer belongs to the state that set it, and leaving the state calls it off.
 * 3. `onEnd` is the last that its owner hears, and comes once. No timer or socket of it remains then
 *    (except a socket that was abandoned).
 *
 * @module
 */
import { SUBPROTOCOL_V1 } from "@ourocodus/protocol";
import { type BackoffOptions, fullJitterMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { ServeError } from "./errors.ts";
import type { AgentEvent } from "./events.ts";
import { failureForGood } from "./failure_for_good.ts";
import { Refusals } from "./refusals.ts";
import { RelayConnection } from "./relay_connection.ts";
import type { RelayMessage, Welcome } from "./relay_message.ts";
import type { SocketClose, SocketFactory } from "./socket.ts";

/** Where a relay is. */
export interface RelayPlace {
  /** With the query. */
  readonly url: string;
  /** The same for people to read: without the query. */
  readonly shownUrl: string;
}

/** What a link needs. */
export interface LinkOptions {
  /** Where to connect, one or more, tried in turn. */
  readonly relays: readonly RelayPlace[];
  readonly agentId: string;
  readonly backoff: BackoffOptions;
  readonly clock: Clock;
  readonly openSocket: SocketFactory;
}

/** What an agent has to see to. */
export interface Unfinished {
  /** Handlers that are running. */
  readonly running: number;
  /** Answers that no relay has stored yet. */
  readonly kept: number;
}

/** What a relay says after its welcome. */
export type MessageToAgent = Exclude<RelayMessage, { readonly kind: "welcome" }>;

/** Whom a link tells. */
export interface LinkOwner {
  /** A relay has welcomed the agent: there is a line to it. */
  onConnected(line: RelayLine): void;
  /** The relay says something. */
  onMessage(message: MessageToAgent, line: string): void;
  /** A connection is over, welcomed or not. */
  onLost(): void;
  /** The next connection is tried later. */
  onWaiting(): void;
  /** There will be no other connection; the error says why, unless {@linkcode Link.end} was called. */
  onEnd(error: unknown): void;
  /** Asked when a connection is over: running work makes the wait shorter. */
  unfinished(): Unfinished;
  tell(event: AgentEvent): void;
}

/** The way to a relay that has welcomed the agent. */
export interface RelayLine {
  /** The longest message that the relay takes. */
  readonly maxMessageBytes: number;
  /** What waits to be sent, in bytes. */
  readonly bufferedBytes: number;
  /** Sends a line at the end of this turn of the event loop. */
  send(line: string): void;
}

/** How long it may take from opening a socket to the relay's welcome, in milliseconds. */
const WELCOME_MS = 10_000;
/** How long a relay may take to answer `close`, in milliseconds. */
const CLOSE_MS = 3_000;
/** The longest wait before a reconnection while there is work that a lease runs out for, in milliseconds. */
const BUSY_BACKOFF_MS = 5_000;
/** A connection that lasted this long was a good one: the next failure is the first again. */
const LASTING_MS = 10_000;
/** After so many heartbeats in a row that did not come, the relay is taken for dead. */
const MISSED_HEARTBEATS = 3;
/** Close codes that the agent itself uses. */
const AGENT_CLOSE = { stopping: 1000, moving: 1000, foreign: 1000, silent: 4008 } as const;

type CallOff = () => void;

type State =
  /** Between two connections, or not begun. */
  | { readonly kind: "waiting"; readonly callOff: CallOff }
  /** The socket opens, or is open and the welcome has not come. */
  | { readonly kind: "connecting"; readonly connection: RelayConnection; readonly callOff: CallOff }
  | {
    readonly kind: "connected";
    readonly connection: RelayConnection;
    readonly line: RelayLine;
    readonly since: number;
    /** Of the watch for heartbeats. */
    callOff: CallOff;
  }
  /** The agent has closed and waits for the socket's end. */
  | {
    readonly kind: "closing";
    readonly connection: RelayConnection;
    readonly callOff: CallOff;
    readonly reason: string;
    /** Whether the relay had welcomed the agent. */
    readonly welcomed: boolean;
    readonly lasted: boolean;
    then: "connect" | { readonly end: ServeError | undefined };
  }
  | { readonly kind: "ended" };

/** Keeps one connection to one of several relays. */
export class Link {
  readonly #options: LinkOptions;
  readonly #owner: LinkOwner;
  readonly #refusals: Refusals;
  #state: State = { kind: "waiting", callOff: () => {} };
  /** Connections in a row that failed or did not last. */
  #failures = 0;
  /** Which of the relays is connected to, or tried next. */
  #relay = 0;

  constructor(options: LinkOptions, owner: LinkOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#refusals = new Refusals(options.relays.length, options.clock);
  }

  /** The way to the relay, while one has welcomed the agent and is not being left. */
  get line(): RelayLine | undefined {
    return this.#state.kind === "connected" ? this.#state.line : undefined;
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#state.kind === "ended";
  }

  /** Connects; called once. */
  begin(): void {
    this.#connect();
  }

  /** Leaves the relay, for another connection. */
  move(reason: string): void {
    if (this.#state.kind !== "connected") return;
    this.#close(this.#state.connection, AGENT_CLOSE.moving, reason, "connect");
  }

  /** Ends it once the connection in use has closed. */
  end(): void {
    const state = this.#state;
    switch (state.kind) {
      case "waiting":
        return this.#end(undefined);
      case "connecting":
      case "connected": {
        const then = { end: undefined };
        return this.#close(state.connection, AGENT_CLOSE.stopping, "agent stops", then);
      }
      case "closing":
        if (state.then === "connect") state.then = { end: undefined };
    }
  }

  #connect(): void {
    const { openSocket, clock } = this.#options;
    const { url } = this.#place;
    let connection: RelayConnection;
    try {
      connection = new RelayConnection({ url, openSocket, clock }, {
        onForeign: (protocol) => this.#foreign(connection, protocol),
        onMessage: (message, line) => this.#heard(connection, message, line),
        onClosed: (close) => this.#closed(connection, close),
      });
    } catch (error) {
      return this.#end(error); // The program may not use the network, for one.
    }
    const callOff = clock.after(WELCOME_MS, () => {
      this.#close(connection, AGENT_CLOSE.silent, `no welcome within ${WELCOME_MS} ms`, "connect");
    });
    this.#state = { kind: "connecting", connection, callOff };
  }

  #heard(connection: RelayConnection, message: RelayMessage, line: string): void {
    const state = this.#state;
    if (!("connection" in state) || state.connection !== connection) return; // Abandoned before.
    if (message.kind === "welcome") {
      if (state.kind === "connecting") this.#welcomed(connection, message.welcome);
    } else if (state.kind === "connecting") {
      const reason = `${message.kind} came before the welcome`;
      this.#owner.onMessage({ kind: "invalid", reason }, line);
    } else {
      this.#owner.onMessage(message, line);
    }
  }

  #welcomed(connection: RelayConnection, welcome: Welcome): void {
    this.#leaveState();
    this.#refusals.welcomed();
    const line = lineOf(connection, welcome);
    const since = this.#options.clock.now();
    this.#state = { kind: "connected", connection, line, since, callOff: () => {} };
    this.#awaitHeartbeat(this.#state, welcome, connection.framesHeard, 0);
    this.#owner.tell({
      type: "connected",
      url: this.#place.shownUrl,
      relayId: welcome.relayId,
      relayVersion: welcome.version,
      agentId: this.#options.agentId,
    });
    this.#owner.onConnected(line);
  }

  get #place(): RelayPlace {
    const { relays } = this.#options;
    return relays[this.#relay % relays.length] ?? { url: "", shownUrl: "" };
  }

  #awaitHeartbeat(
    state: State & { kind: "connected" },
    welcome: Welcome,
    heard: number,
    missed: number,
  ): void {
    const { connection } = state;
    const { heartbeatMs } = welcome;
    if (heartbeatMs === undefined) return;
    state.callOff = this.#options.clock.after(heartbeatMs, () => {
      const nowMissed = connection.framesHeard > heard ? 0 : missed + 1;
      if (nowMissed < MISSED_HEARTBEATS) {
        return this.#awaitHeartbeat(state, welcome, connection.framesHeard, nowMissed);
      }
      const reason = `nothing heard for ${nowMissed * heartbeatMs} ms`;
      this.#close(connection, AGENT_CLOSE.silent, reason, "connect");
    });
  }

  #foreign(connection: RelayConnection, protocol: string): void {
    const { shownUrl } = this.#place;
    const reason = `server speaks ${protocol || "no subprotocol"}, not ${SUBPROTOCOL_V1}`;
    const message = `Cannot serve from ${shownUrl}: ${reason}`;
    const end = this.#refused(new ServeError(message, { code: "not_a_relay", reason }));
    this.#close(connection, AGENT_CLOSE.foreign, reason, end === undefined ? "connect" : { end });
  }

  /** Closes the connection in use, and waits for its end only so long. */
  #close(
    connection: RelayConnection,
    code: number,
    reason: string,
    then: (State & { kind: "closing" })["then"],
  ): void {
    const lasted = this.#hasLasted();
    const welcomed = this.#state.kind === "connected";
    this.#leaveState();
    const callOff = this.#options.clock.after(
      CLOSE_MS,
      () => this.#closed(connection, { code: 1006, reason }),
    );
    this.#state = { kind: "closing", connection, callOff, reason, welcomed, lasted, then };
    connection.close(code, reason);
  }

  #closed(connection: RelayConnection, close: SocketClose): void {
    const state = this.#state;
    if (!("connection" in state) || state.connection !== connection) return; // Abandoned before.
    const lasted = this.#hasLasted();
    this.#leaveState();
    this.#owner.onLost();
    if (state.kind === "closing" && state.then !== "connect") return this.#end(state.then.end);
    const failure = failureForGood(this.#place.shownUrl, close);
    const forGood = failure?.code === "upgrade_refused" ? this.#refused(failure) : failure;
    if (forGood !== undefined) return this.#end(forGood);
    if (lasted) this.#failures = 0;
    if (state.kind !== "closing") return this.#wait(state.kind === "connected", close);
    // Of a socket that was not open yet, the runtime tells only that it was closed.
    this.#wait(state.welcomed, state.welcomed ? close : { ...close, reason: state.reason });
  }

  /** The relay that was tried does not serve the agent. @returns The error, if none does. */
  #refused(error: ServeError): ServeError | undefined {
    return this.#refusals.areFinalWith(this.#relay) ? error : undefined;
  }

  #wait(welcomed: boolean, close: SocketClose): void {
    const { clock, backoff } = this.#options;
    const { shownUrl: url } = this.#place;
    this.#relay++;
    const { running, kept } = this.#owner.unfinished();
    const busy = running > 0 || kept > 0;
    const capMs = busy ? Math.min(backoff.capMs, BUSY_BACKOFF_MS) : backoff.capMs;
    const retryMs = fullJitterMs(this.#failures++, { ...backoff, capMs }, clock.random());
    this.#state = { kind: "waiting", callOff: clock.after(retryMs, () => this.#connect()) };
    const { code, reason, status } = close;
    if (welcomed) {
      this.#owner.tell({ type: "disconnected", url, code, reason, retryMs, running, kept });
    } else {
      const failures = this.#failures;
      const why = status === undefined ? reason || `closed with ${code}` : `${status} ${reason}`;
      this.#owner.tell({ type: "unreachable", url, reason: why, failures, retryMs });
    }
    this.#owner.onWaiting();
  }

  /** Whether the connection in use was a good one. */
  #hasLasted(): boolean {
    const state = this.#state;
    if (state.kind === "closing") return state.lasted;
    return state.kind === "connected" && this.#options.clock.now() - state.since >= LASTING_MS;
  }

  #end(error: unknown): void {
    this.#leaveState();
    this.#state = { kind: "ended" };
    this.#owner.onEnd(error);
  }

  #leaveState(): void {
    if ("callOff" in this.#state) this.#state.callOff();
  }
}

function lineOf(connection: RelayConnection, { maxMessageBytes }: Welcome): RelayLine {
  return {
    maxMessageBytes,
    get bufferedBytes() {
      return connection.bufferedBytes;
    },
    send: (line) => connection.send(line),
  };
}
