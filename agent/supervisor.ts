/**
 * The life of an agent: it connects, works, reconnects, stops.
 *
 * Invariants:
 * 1. There is one connection at a time. The next is begun after the earlier one's end was told, or
 *    after it did not answer `close` in time and was given up; nothing that a given-up connection
 *    tells is heard.
 * 2. Every timer belongs to the state that set it, and leaving the state calls it off.
 * 3. An answer is kept until a relay says that it is stored or refused; every new connection
 *    carries again what is kept.
 * 4. Handlers outlive connections: the first that a relay hears is which leases they have, so that
 *    they go on as the same attempt. What waits for a slot does not outlive one: its relay hands it
 *    out again.
 * 5. Once it is asked to stop, no handler is begun, and every relay that it stays connected to is
 *    told so. It ends when nothing is in hand and nothing is kept, at the latest when the time for
 *    that is over.
 * 6. When it has ended no timer, socket or listener of it remains (save a socket that was given
 *    up), and every handler that still runs has its signal aborted.
 *
 * @module
 */
import {
  AGENT_TYPE,
  bytesBeyond,
  type CancelReason,
  formatMessage,
  MAX_RESUMED_LEASES,
  type ResumePayload,
  SUBPROTOCOL_V1,
} from "@ourocodus/bus";
import { type Answer, fitted, type Outcome, progressLine } from "./answer.ts";
import { type BackoffOptions, fullJitterMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { Connection } from "./connection.ts";
import { RetryableError, ServeError } from "./errors.ts";
import { failureForGood } from "./failure_for_good.ts";
import type { AgentEvent, EventHook } from "./events.ts";
import { type Identity, Jobs } from "./jobs.ts";
import { KeptAnswers } from "./kept_answers.ts";
import type { RelayMessage, Welcome } from "./relay_message.ts";
import type { SocketClose, SocketFactory } from "./socket.ts";
import type { Handler, LeasedWork } from "./work.ts";

/** Where a relay is. */
export interface RelayPlace {
  /** With the query. */
  readonly url: string;
  /** The same for people to read: without the query. */
  readonly shownUrl: string;
}

/** What a supervisor needs; checked by whoever makes it. */
export interface SupervisorOptions {
  /** Where to connect, one or more, tried in turn. */
  readonly relays: readonly RelayPlace[];
  readonly identity: Identity;
  readonly concurrency: number;
  readonly backoff: BackoffOptions;
  /** How long work in hand may take when the agent is asked to stop, in milliseconds. */
  readonly drainMs: number;
  readonly signal: AbortSignal | undefined;
  /** Ends the time for finishing, once `signal` has begun it. */
  readonly abandon: AbortSignal | undefined;
  readonly onEvent: EventHook;
  readonly clock: Clock;
  readonly openSocket: SocketFactory;
}

/** How long it may take from opening a socket to the relay's welcome, in milliseconds. */
const WELCOME_MS = 10_000;
/** How long a relay may take to answer `close`, in milliseconds. */
const CLOSE_MS = 3_000;
/** How long answers may take to be stored, after the time to finish is over, in milliseconds. */
const STORE_MS = 3_000;
/** The longest wait before a reconnection while there is work that a lease runs out for, in milliseconds. */
const BUSY_BACKOFF_MS = 5_000;
/** A connection that lasted this long was a good one: the next failure is the first again. */
const LASTING_MS = 10_000;
/** After so many heartbeats in a row that did not come, the relay is taken for dead. */
const MISSED_HEARTBEATS = 3;
/** Above this many unsent bytes, progress is dropped. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
/** Of a line that cannot be understood as much is told, in characters. */
const SHOWN_LINE_CHARACTERS = 200;
/** The reason of a cancellation after which a result may still be accepted. */
const LEASE_LOST: CancelReason = "lease_lost";
/** Close codes that the agent itself uses. */
const AGENT_CLOSE = { stopping: 1000, relayDrains: 1000, foreign: 1000, silent: 4008 } as const;

type CallOff = () => void;

type State =
  /** Between two connections, or not begun. */
  | { readonly kind: "waiting"; readonly callOff: CallOff }
  /** The socket opens, or is open and the welcome has not come. */
  | { readonly kind: "connecting"; readonly connection: Connection; readonly callOff: CallOff }
  | {
    readonly kind: "connected";
    readonly connection: Connection;
    readonly welcome: Welcome;
    readonly since: number;
    /** The relay goes away and sends no more work. */
    draining: boolean;
    /** Of the watch for heartbeats. */
    callOff: CallOff;
  }
  /** The agent has closed and waits for the socket's end. */
  | {
    readonly kind: "closing";
    readonly connection: Connection;
    readonly callOff: CallOff;
    /** Whether the relay had welcomed the agent. */
    readonly welcomed: boolean;
    readonly lasted: boolean;
    then: "connect" | { readonly end: ServeError | undefined };
  }
  | { readonly kind: "ended" };

type Stop =
  | { readonly kind: "serving" }
  /** Work in hand may finish. */
  | { readonly kind: "finishing"; readonly callOff: CallOff }
  /** Work in hand was given up; answers may still be stored. */
  | { readonly kind: "storing"; readonly callOff: CallOff };

/** See the top of the file. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #jobs: Jobs;
  readonly #kept = new KeptAnswers();
  readonly #done = Promise.withResolvers<void>();
  readonly #onAbort = () => this.#stop();
  readonly #onAbandon = () => this.#hurry();
  #state: State = { kind: "waiting", callOff: () => {} };
  #stopping: Stop = { kind: "serving" };
  /** Connections in a row that failed or did not last. */
  #failures = 0;
  /** Which of the relays is connected to, or tried next. */
  #relay = 0;
  /** The newest relay's limit; there is one before there is work. */
  #maxMessageBytes = 0;

  constructor(options: SupervisorOptions, handler: Handler) {
    this.#options = options;
    this.#jobs = new Jobs({
      concurrency: options.concurrency,
      identity: options.identity,
      handler,
      maxMessageBytes: () => this.#maxMessageBytes,
      mayBegin: () => this.#stopping.kind === "serving" && !this.#kept.full,
      onAnswer: (leased, answer, outcome) => this.#answered(leased, answer, outcome),
      onProgress: (...told) => this.#progressed(...told),
      onFreed: () => this.#settle(),
    });
  }

  /**
   * Serves; called once.
   *
   * @returns Settles when the signal was aborted and everything is done that was in hand.
   * @throws {ServeError} If the agent is told not to come back.
   */
  run(): Promise<void> {
    const { signal } = this.#options;
    if (signal?.aborted) return Promise.resolve();
    signal?.addEventListener("abort", this.#onAbort);
    this.#options.abandon?.addEventListener("abort", this.#onAbandon);
    this.#connect();
    return this.#done.promise;
  }

  // Connecting and reconnecting

  #connect(): void {
    const { openSocket, clock } = this.#options;
    const { url } = this.#place;
    let connection: Connection;
    try {
      connection = new Connection({ url, openSocket, clock }, {
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

  #welcomed(connection: Connection, welcome: Welcome): void {
    this.#leaveState();
    this.#maxMessageBytes = welcome.maxMessageBytes;
    const since = this.#options.clock.now();
    const callOff = () => {};
    this.#state = { kind: "connected", connection, welcome, since, draining: false, callOff };
    this.#awaitHeartbeat(this.#state, connection.framesHeard, 0);
    this.#tell({
      type: "connected",
      url: this.#place.shownUrl,
      relayId: welcome.relayId,
      relayVersion: welcome.version,
      agentId: this.#options.identity.agentId,
    });
    this.#sendResume();
    this.#sendDrain();
    this.#sendKept();
    this.#settle();
  }

  get #place(): RelayPlace {
    const { relays } = this.#options;
    return relays[this.#relay % relays.length] ?? { url: "", shownUrl: "" };
  }

  #awaitHeartbeat(state: State & { kind: "connected" }, heard: number, missed: number): void {
    const { connection, welcome: { heartbeatMs } } = state;
    if (heartbeatMs === undefined) return;
    state.callOff = this.#options.clock.after(heartbeatMs, () => {
      const nowMissed = connection.framesHeard > heard ? 0 : missed + 1;
      if (nowMissed < MISSED_HEARTBEATS) {
        return this.#awaitHeartbeat(state, connection.framesHeard, nowMissed);
      }
      const reason = `nothing heard for ${nowMissed * heartbeatMs} ms`;
      this.#close(connection, AGENT_CLOSE.silent, reason, "connect");
    });
  }

  #foreign(connection: Connection, protocol: string): void {
    const { shownUrl } = this.#place;
    const reason = `server speaks ${protocol || "no subprotocol"}, not ${SUBPROTOCOL_V1}`;
    const message = `Cannot serve from ${shownUrl}: ${reason}`;
    const end = new ServeError(message, { code: "not_a_relay", reason });
    this.#close(connection, AGENT_CLOSE.foreign, reason, { end });
  }

  /** Closes the connection in use, and waits for its end only so long. */
  #close(
    connection: Connection,
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
    this.#state = { kind: "closing", connection, callOff, welcomed, lasted, then };
    connection.close(code, reason);
  }

  #closed(connection: Connection, close: SocketClose): void {
    const state = this.#state;
    if (!("connection" in state) || state.connection !== connection) return; // Given up before.
    const lasted = this.#hasLasted();
    this.#leaveState();
    this.#kept.markUnsent();
    this.#jobs.detach();
    if (state.kind === "closing" && state.then !== "connect") return this.#end(state.then.end);
    const forGood = failureForGood(this.#place.shownUrl, close);
    if (forGood !== undefined) return this.#end(forGood);
    if (lasted) this.#failures = 0;
    this.#wait(state.kind === "closing" ? state.welcomed : state.kind === "connected", close);
  }

  #wait(welcomed: boolean, close: SocketClose): void {
    const { clock, backoff } = this.#options;
    const { shownUrl: url } = this.#place;
    this.#relay++;
    const busy = this.#jobs.running > 0 || this.#kept.size > 0;
    const capMs = busy ? Math.min(backoff.capMs, BUSY_BACKOFF_MS) : backoff.capMs;
    const retryMs = fullJitterMs(this.#failures++, { ...backoff, capMs }, clock.random());
    this.#state = { kind: "waiting", callOff: clock.after(retryMs, () => this.#connect()) };
    const { code, reason } = close;
    if (welcomed) {
      const kept = this.#kept.size;
      const { running } = this.#jobs;
      this.#tell({ type: "disconnected", url, code, reason, retryMs, running, kept });
    } else {
      const failures = this.#failures;
      const why = reason || `closed with ${code}`;
      this.#tell({ type: "unreachable", url, reason: why, failures, retryMs });
    }
    this.#settle();
  }

  /** Whether the connection in use was a good one. */
  #hasLasted(): boolean {
    const state = this.#state;
    if (state.kind === "closing") return state.lasted;
    return state.kind === "connected" && this.#options.clock.now() - state.since >= LASTING_MS;
  }

  // What a relay says

  #heard(connection: Connection, message: RelayMessage, line: string): void {
    const state = this.#state;
    if (!("connection" in state) || state.connection !== connection) return; // Given up before.
    if (state.kind === "connecting" && message.kind !== "welcome") {
      message = { kind: "invalid", reason: `${message.kind} came before the welcome` };
    }
    switch (message.kind) {
      case "work":
        return this.#offered(message.work);
      case "stored":
        return this.#stored(message.leases);
      case "resumed":
        return message.leases.forEach((lease) => this.#jobs.attach(lease));
      case "cancel":
        return this.#cancelled(message.cancel.lease, message.cancel.reason);
      case "welcome":
        if (state.kind === "connecting") this.#welcomed(connection, message.welcome);
        return;
      case "drain":
        return this.#relayDrains(message.drain.seconds);
      case "error":
        return this.#refused(message.error);
      case "invalid":
        return this.#tell({
          type: "line.invalid",
          reason: message.reason,
          line: line.slice(0, SHOWN_LINE_CHARACTERS),
        });
    }
  }

  #offered(leased: LeasedWork): void {
    const { work, lease } = leased;
    if (this.#jobs.has(lease) || this.#kept.has(lease)) {
      return this.#tell({ type: "work.duplicate", id: work.id, lease });
    }
    // Work that was under way when the agent began to stop is held: it is handed out again when
    // the connection closes.
    if (this.#state.kind === "connected") this.#jobs.add(leased);
  }

  #stored(leases: readonly string[]): void {
    const wasFull = this.#kept.full;
    for (const lease of leases) this.#kept.drop(lease);
    if (wasFull) this.#jobs.begin();
    this.#settle();
  }

  #cancelled(lease: string, reason: string): void {
    const inHand = this.#jobs.cancel(lease, new Error(`The relay cancelled this work: ${reason}`));
    // A result that is there may still be the first one.
    const dropped = reason !== LEASE_LOST && this.#kept.drop(lease);
    if (inHand || dropped) this.#tell({ type: "work.cancelled", lease, reason });
    this.#jobs.begin();
    this.#settle();
  }

  #relayDrains(seconds: number): void {
    if (this.#state.kind !== "connected" || this.#state.draining) return;
    this.#state.draining = true;
    this.#tell({ type: "relay.draining", seconds });
    this.#settle();
  }

  #refused(error: { code: string; message: string; lease?: string }): void {
    const { code, lease } = error;
    const aboutProgress = code.startsWith("progress_");
    const dropped = lease !== undefined && !aboutProgress && this.#kept.drop(lease);
    this.#tell({ type: "relay.error", ...error, dropped });
    this.#jobs.begin();
    this.#settle();
  }

  // What handlers say

  #answered(leased: LeasedWork, answer: Answer, outcome: Outcome): void {
    const { id, attempt } = leased.work;
    if (outcome.kind === "thrown") {
      const retried = outcome.error instanceof RetryableError;
      const type = retried ? "work.retried" : "work.failed";
      this.#tell({ type, id, attempt, error: outcome.error });
    } else if (answer.type === "error") {
      this.#tell({ type: "result.unsendable", id, reason: "it has no JSON form" });
    }
    this.#kept.add(answer);
    this.#sendKept();
  }

  #progressed(leased: LeasedWork, payload: unknown, detached: boolean): void {
    const { id } = leased.work;
    const line = progressLine({ id, lease: leased.lease }, payload);
    const reason = line.kind === "invalid" ? line.reason : this.#sendProgress(line.text, detached);
    if (reason !== undefined) this.#tell({ type: "progress.dropped", id, reason });
  }

  /** @returns Why it was not sent, if it was not. */
  #sendProgress(line: string, detached: boolean): string | undefined {
    if (this.#state.kind !== "connected") return "no relay is connected";
    if (detached) return "the connection that brought its work is gone";
    const { connection, welcome: { maxMessageBytes } } = this.#state;
    const bytes = bytesBeyond(line, maxMessageBytes);
    if (bytes !== undefined) return `it is ${bytes} bytes, limit is ${maxMessageBytes}`;
    if (connection.bufferedBytes > MAX_BUFFERED_BYTES) {
      return `${connection.bufferedBytes} bytes wait to be sent, limit is ${MAX_BUFFERED_BYTES}`;
    }
    connection.send(line);
    return undefined;
  }

  #sendKept(): void {
    if (this.#state.kind !== "connected") return;
    const { connection, welcome: { maxMessageBytes } } = this.#state;
    for (const answer of this.#kept.takeUnsent()) {
      const sendable = fitted(answer, maxMessageBytes);
      if (sendable !== answer) {
        const reason = `it is larger than ${maxMessageBytes} bytes`;
        this.#tell({ type: "result.unsendable", id: answer.id, reason });
      }
      connection.send(sendable.line);
    }
  }

  // Stopping

  #stop(): void {
    const { drainMs, clock } = this.#options;
    if (this.#stopping.kind !== "serving" || this.#state.kind === "ended") return;
    this.#stopping = { kind: "finishing", callOff: clock.after(drainMs, () => this.#giveUp()) };
    const { running } = this.#jobs;
    this.#tell({ type: "stopping", running, kept: this.#kept.size, drainMs });
    this.#settle();
    this.#sendDrain();
  }

  /** Tells the relay which leases are still in use; what an earlier connection had besides is lost. */
  #sendResume(): void {
    if (this.#state.kind !== "connected") return;
    const leases = [...this.#jobs.leases(), ...this.#kept.leases()].slice(0, MAX_RESUMED_LEASES);
    const payload: ResumePayload = { leases };
    this.#state.connection.send(formatMessage("resume", AGENT_TYPE.resume, payload));
  }

  /** Tells the relay that no more work is taken; closing says so too. */
  #sendDrain(): void {
    if (this.#stopping.kind === "serving" || this.#state.kind !== "connected") return;
    this.#state.connection.send(formatMessage("drain", AGENT_TYPE.drain, {}));
  }

  /** The time to finish is over. */
  #giveUp(): void {
    const { running } = this.#jobs;
    if (running > 0) this.#tell({ type: "work.abandoned", running });
    const callOff = this.#options.clock.after(STORE_MS, () => this.#finish());
    this.#stopping = { kind: "storing", callOff };
    this.#jobs.abandon(new Error("The agent stops, and the time to finish is over"));
    if (this.#state.kind !== "connected") return this.#finish();
    this.#settle();
  }

  /** What is not done by now is given up. */
  #hurry(): void {
    if (this.#stopping.kind === "serving" || this.#state.kind === "ended") return;
    this.#stopping.callOff();
    this.#giveUp();
    this.#stopping.callOff();
    this.#finish();
  }

  /** Goes on to the next state if nothing is left to be done in this one. */
  #settle(): void {
    if (this.#jobs.running > 0 || this.#kept.size > 0) return;
    if (this.#stopping.kind !== "serving") return this.#finish();
    const state = this.#state;
    if (state.kind === "connected" && state.draining && this.#jobs.waiting === 0) {
      this.#close(state.connection, AGENT_CLOSE.relayDrains, "relay drains", "connect");
    }
  }

  #finish(): void {
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

  #end(error: unknown): void {
    this.#leaveState();
    this.#state = { kind: "ended" };
    if (this.#stopping.kind !== "serving") this.#stopping.callOff();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.abandon?.removeEventListener("abort", this.#onAbandon);
    this.#jobs.abandon(error instanceof Error ? error : new Error("The agent stops"));
    if (this.#kept.size > 0) this.#tell({ type: "results.lost", kept: this.#kept.size });
    if (error === undefined) this.#done.resolve();
    else this.#done.reject(error);
  }

  #leaveState(): void {
    if ("callOff" in this.#state) this.#state.callOff();
  }

  #tell(event: AgentEvent): void {
    try {
      this.#options.onEvent(event);
    } catch {
      // See EventHook: telling must not break what is told about.
    }
  }
}
