/**
 * The life of an agent: it works for whatever relay its link leads to, and stops.
 *
 * Invariants:
 * 1. An answer is kept until a relay says that it is stored or refused; every new connection
 *    carries again what is kept.
 * 2. Handlers outlive connections: the first that a relay hears is which leases they have, so that
 *    they go on as the same attempt. What waits for a slot does not outlive one: its relay hands it
 *    out again.
 * 3. Once it is asked to stop, no handler is begun, and every relay that it stays connected to is
 *    told so. It ends when nothing runs and nothing is kept, at the latest when the time for
 *    that is over.
 * 4. When it has ended no timer or listener of it remains, and every handler that still runs has its
 *    signal aborted.
 *
 * @module
 */
import {
  AGENT_TYPE,
  bytesBeyond,
  type CancelReason,
  formatMessage,
  MAX_RESUMED_LEASES,
  type RelayErrorCode,
  type ResumePayload,
} from "@ourocodus/protocol";
import { type Answer, fitted, type Outcome, type Report, reportLine } from "./answer.ts";
import type { BackoffOptions } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { isA, RetryableError, WorkAbortedError } from "./errors.ts";
import type { AgentEvent, EventHook } from "./events.ts";
import { Attempts, type Identity } from "./attempts.ts";
import { KeptAnswers } from "./kept_answers.ts";
import { Questions } from "./questions.ts";
import {
  Link,
  type LinkOwner,
  type MessageToAgent,
  type RelayLine,
  type RelayPlace,
  type Unfinished,
} from "./link.ts";
import type { SocketFactory } from "./socket.ts";
import type { Handler, LeasedWork } from "./work.ts";

/** What an agent needs; checked before it is made. */
export interface AgentOptions {
  /** Where to connect, one or more, tried in turn. */
  readonly relays: readonly RelayPlace[];
  readonly identity: Identity;
  readonly concurrency: number;
  readonly backoff: BackoffOptions;
  /** How long running work may take when the agent is asked to stop, in milliseconds. */
  readonly drainMs: number;
  readonly signal: AbortSignal | undefined;
  /** Ends the time for finishing, once `signal` has begun it. */
  readonly abandon: AbortSignal | undefined;
  readonly onEvent: EventHook;
  readonly clock: Clock;
  readonly openSocket: SocketFactory;
}

/** How long answers may take to be stored, after the time to finish is over, in milliseconds. */
const STORE_MS = 3_000;
/** Above this many unsent bytes, reports are dropped. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
/** Of a line that cannot be understood as much is told, in characters. */
const SHOWN_LINE_CHARACTERS = 200;
/** After a cancellation or an error for this reason, a result may still be accepted. */
/** What is of the protocol, but too new for the relay, was no answer. */
const UNKNOWN_TYPE: RelayErrorCode = "unknown_type";
const LEASE_LOST: CancelReason & RelayErrorCode = "lease_lost";
type CallOff = () => void;

type Stop =
  | { readonly kind: "serving" }
  /** Running work may finish. */
  | { readonly kind: "finishing"; readonly callOff: CallOff }
  /** Running work was abandoned; answers may still be stored. */
  | { readonly kind: "storing"; readonly callOff: CallOff };

/** An agent that serves relays with its handler until it is stopped. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #link: Link;
  readonly #attempts: Attempts;
  readonly #kept = new KeptAnswers();
  readonly #questions = new Questions((line) => this.#link.line?.send(line));
  readonly #done = Promise.withResolvers<void>();
  readonly #onAbort = () => this.#stop();
  readonly #onAbandon = () => this.#hurry();
  #stopping: Stop = { kind: "serving" };
  /** Whether the relay goes away and sends no more work. */
  #relayDrains = false;
  /** The newest relay's limit; there is one before there is work. */
  #maxMessageBytes = 0;

  constructor(options: AgentOptions, handler: Handler) {
    const { relays, identity, backoff, clock, openSocket, concurrency } = options;
    this.#options = options;
    const { agentId } = identity;
    this.#link = new Link({ relays, agentId, backoff, clock, openSocket }, this.#linkOwner());
    this.#attempts = new Attempts({
      concurrency,
      identity,
      handler,
      clock,
      questions: this.#questions,
      maxMessageBytes: () => this.#maxMessageBytes,
      mayBegin: () => this.#stopping.kind === "serving" && !this.#kept.full,
      onAnswer: (leased, answer, outcome) => this.#answered(leased, answer, outcome),
      onReport: (...told) => this.#reported(...told),
      onStuck: ({ work: { id } }, afterMs) => this.#tell({ type: "work.stuck", id, afterMs }),
    });
  }

  /**
   * Serves; called once.
   *
   * @returns Settles when the signal was aborted and everything that ran is done.
   * @throws {ServeError} If the agent is told not to come back.
   */
  run(): Promise<void> {
    const { signal } = this.#options;
    if (signal?.aborted) return Promise.resolve();
    signal?.addEventListener("abort", this.#onAbort);
    this.#options.abandon?.addEventListener("abort", this.#onAbandon);
    this.#link.begin();
    return this.#done.promise;
  }

  // What the link says

  #linkOwner(): LinkOwner {
    return {
      onConnected: (line) => this.#connected(line),
      onMessage: (message, line) => this.#heard(message, line),
      onLost: () => this.#lost(),
      onWaiting: () => this.#settle(),
      onEnd: (error) => this.#end(error),
      unfinished: () => this.#unfinished,
      tell: (event) => this.#tell(event),
    };
  }

  get #unfinished(): Unfinished {
    return { running: this.#attempts.running, kept: this.#kept.size };
  }

  #connected({ maxMessageBytes }: RelayLine): void {
    this.#maxMessageBytes = maxMessageBytes;
    this.#relayDrains = false;
    this.#sendResume();
    this.#sendDrain();
    this.#sendKept();
    this.#settle();
  }

  #lost(): void {
    this.#kept.markUnsent();
    this.#attempts.detach();
  }

  #heard(message: MessageToAgent, line: string): void {
    switch (message.kind) {
      case "work":
        return this.#offered(message.work);
      case "stored":
        return this.#stored(message.leases);
      case "resumed":
        return message.leases.forEach((lease) => this.#attempts.attach(lease));
      case "answer":
        return this.#questions.answered(message.answer);
      case "cancel":
        return this.#cancelled(message.cancel.lease, message.cancel.reason);
      case "drain":
        return this.#drains(message.drain.seconds);
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
    if (this.#attempts.has(lease) || this.#kept.has(lease)) {
      return this.#tell({ type: "work.duplicate", id: work.id, lease });
    }
    // Work that was under way when the agent began to stop is held: it is handed out again when
    // the connection closes.
    if (this.#link.line !== undefined) this.#attempts.add(leased);
  }

  #stored(leases: readonly string[]): void {
    const wasFull = this.#kept.full;
    for (const lease of leases) {
      // A retry that was taken is confirmed in the same way.
      const isOutcome = this.#kept.get(lease)?.type !== AGENT_TYPE.retry;
      this.#kept.drop(lease);
      if (isOutcome) this.#attempts.stored(lease);
      else this.#attempts.dropped(lease);
    }
    if (wasFull) this.#attempts.begin();
    this.#settle();
  }

  #cancelled(lease: string, reason: string): void {
    const isKnown = this.#attempts.cancel(
      lease,
      new WorkAbortedError(reason, `The relay cancelled this work: ${reason}`),
    );
    // A result that is there may still be the first one.
    const dropped = reason !== LEASE_LOST && this.#kept.drop(lease);
    if (isKnown || dropped) this.#tell({ type: "work.cancelled", lease, reason });
    this.#attempts.begin();
    this.#settle();
  }

  #drains(seconds: number): void {
    if (this.#link.line === undefined || this.#relayDrains) return;
    this.#relayDrains = true;
    this.#tell({ type: "relay.draining", seconds });
    this.#settle();
  }

  #refused(error: { code: string; message: string; lease?: string }): void {
    const { code, lease, message } = error;
    if (lease !== undefined && (code === "invalid_question" || code === UNKNOWN_TYPE)) {
      this.#questions.refused(lease, code, message);
    }
    const dropped = lease !== undefined && this.#endsAnswer(code, lease) && this.#kept.drop(lease);
    if (dropped) this.#attempts.dropped(lease);
    this.#tell({ type: "relay.error", ...error, dropped });
    this.#attempts.begin();
    this.#settle();
  }

  /** Whether it was the lease's answer that was refused, and not a report. */
  #endsAnswer(code: string, lease: string): boolean {
    const isReport = code.startsWith("progress_") || code === "invalid_question";
    if (isReport || code === UNKNOWN_TYPE) return false;
    // A result whose lease is lost may still be the first one.
    return code !== LEASE_LOST || this.#kept.get(lease)?.type === AGENT_TYPE.retry;
  }

  // What handlers say

  #answered(leased: LeasedWork, answer: Answer, outcome: Outcome): void {
    const { id, attempt } = leased.work;
    if (outcome.kind === "thrown") {
      const retried = isA(outcome.error, RetryableError);
      const type = retried ? "work.retried" : "work.failed";
      this.#tell({ type, id, attempt, error: outcome.error });
    } else if (answer.type === "error") {
      this.#tell({ type: "result.unsendable", id, reason: "it has no JSON form" });
    }
    this.#kept.add(answer);
    this.#sendKept();
  }

  #reported({ work: { id }, lease }: LeasedWork, report: Report, detached: boolean): void {
    const line = reportLine({ id, lease }, report);
    const reason = line.kind === "invalid" ? line.reason : this.#sendReport(line.text, detached);
    if (reason === undefined) return;
    this.#tell({ type: "progress.dropped", id, report: report.type, reason });
  }

  /** @returns Why it was not sent, if it was not. */
  #sendReport(text: string, detached: boolean): string | undefined {
    const { line } = this.#link;
    if (line === undefined) return "no relay is connected";
    if (detached) return "the connection that brought its work is gone";
    const { maxMessageBytes, bufferedBytes } = line;
    const bytes = bytesBeyond(text, maxMessageBytes);
    if (bytes !== undefined) return `it is ${bytes} bytes, limit is ${maxMessageBytes}`;
    if (bufferedBytes > MAX_BUFFERED_BYTES) {
      return `${bufferedBytes} bytes wait to be sent, limit is ${MAX_BUFFERED_BYTES}`;
    }
    line.send(text);
    return undefined;
  }

  #sendKept(): void {
    const { line } = this.#link;
    if (line === undefined) return;
    for (const answer of this.#kept.takeUnsent()) {
      const sendable = fitted(answer, line.maxMessageBytes);
      if (sendable !== answer) {
        const reason = `it is larger than ${line.maxMessageBytes} bytes`;
        this.#tell({ type: "result.unsendable", id: answer.id, reason });
      }
      line.send(sendable.line);
    }
  }

  // Stopping

  #stop(): void {
    const { drainMs, clock } = this.#options;
    if (this.#stopping.kind !== "serving" || this.#link.ended) return;
    this.#stopping = { kind: "finishing", callOff: clock.after(drainMs, () => this.#giveUp()) };
    this.#tell({ type: "stopping", ...this.#unfinished, drainMs });
    this.#settle();
    this.#sendDrain();
  }

  /** Tells the relay which leases are still in use; what an earlier connection had besides is lost. */
  #sendResume(): void {
    const leases = [...this.#attempts.leases(), ...this.#kept.leases()].slice(
      0,
      MAX_RESUMED_LEASES,
    );
    const payload: ResumePayload = { leases };
    this.#link.line?.send(formatMessage("resume", AGENT_TYPE.resume, payload));
  }

  /** Tells the relay that no more work is taken; closing says so too. */
  #sendDrain(): void {
    if (this.#stopping.kind === "serving") return;
    this.#link.line?.send(formatMessage("drain", AGENT_TYPE.drain, {}));
  }

  /** The time to finish is over. */
  #giveUp(): void {
    const { running } = this.#attempts;
    if (running > 0) this.#tell({ type: "work.abandoned", running });
    const callOff = this.#options.clock.after(STORE_MS, () => this.#link.end());
    this.#stopping = { kind: "storing", callOff };
    this.#attempts.abandon(
      new WorkAbortedError("stopped", "The agent stops, and the time to finish is over"),
    );
    if (this.#link.line === undefined) return this.#link.end();
    this.#settle();
  }

  /** Abandons what is not done by now. */
  #hurry(): void {
    if (this.#stopping.kind === "serving" || this.#link.ended) return;
    this.#stopping.callOff();
    this.#giveUp();
    this.#stopping.callOff();
    this.#link.end();
  }

  /** Goes on if nothing is left to be done: to the end, or away from a relay that drains. */
  #settle(): void {
    if (this.#attempts.running > 0 || this.#kept.size > 0) return;
    if (this.#stopping.kind !== "serving") return this.#link.end();
    if (this.#relayDrains && this.#attempts.waiting === 0) this.#link.move("relay drains");
  }

  #end(error: unknown): void {
    if (this.#stopping.kind !== "serving") this.#stopping.callOff();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.abandon?.removeEventListener("abort", this.#onAbandon);
    this.#attempts.abandon(new WorkAbortedError("stopped", "The agent stops", { cause: error }));
    if (this.#kept.size > 0) this.#tell({ type: "results.lost", kept: this.#kept.size });
    if (error === undefined) this.#done.resolve();
    else this.#done.reject(error);
  }

  #tell(event: AgentEvent): void {
    try {
      this.#options.onEvent(event);
    } catch {
      // See EventHook: telling must not break what is told about.
    }
  }
}
