/**
 * What an agent tells about itself. Nothing here happens for every work item that goes well.
 *
 * @module
 */

/** Something that happened to an agent; `type` says what. */
export type AgentEvent =
  /** A relay took the agent in. */
  | {
    readonly type: "connected";
    readonly url: string;
    readonly relayId: string;
    readonly relayVersion: string;
    readonly agentId: string;
  }
  /** No relay could be reached; it will be tried again. */
  | {
    readonly type: "unreachable";
    readonly url: string;
    readonly reason: string;
    /** Tries that failed in a row, from 1. */
    readonly failures: number;
    readonly retryMs: number;
  }
  /** A connection ended; the next will be made. Running work goes on. */
  | {
    readonly type: "disconnected";
    readonly url: string;
    readonly code: number;
    readonly reason: string;
    readonly retryMs: number;
    /** Handlers that are running. */
    readonly running: number;
    /** Answers that wait for the next connection. */
    readonly kept: number;
  }
  /** The relay goes away: it sends no more work, and closes when running work is done. */
  | { readonly type: "relay.draining"; readonly seconds: number }
  /** The relay refused something. With a lease, the answer that was kept for it is dropped. */
  | {
    readonly type: "relay.error";
    readonly code: string;
    readonly message: string;
    readonly lease?: string;
    /** Whether an answer was dropped. */
    readonly dropped: boolean;
  }
  /** The relay sent a line that cannot be understood; it was passed over. */
  | { readonly type: "line.invalid"; readonly reason: string; readonly line: string }
  /** A handler threw; `error` is what it threw. */
  | {
    readonly type: "work.failed" | "work.retried";
    readonly id: string;
    readonly attempt: number;
    readonly error: unknown;
  }
  /** The relay took an attempt back: its signal is aborted, or it was never begun. */
  | { readonly type: "work.cancelled"; readonly lease: string; readonly reason: string }
  /**
   * A handler goes on although its signal was aborted so long ago, in milliseconds. It does not count
   * towards `concurrency` any more.
   */
  | { readonly type: "work.stuck"; readonly id: string; readonly afterMs: number }
  /** An attempt came that waits or runs already; it was passed over. */
  | { readonly type: "work.duplicate"; readonly id: string; readonly lease: string }
  /** An answer was larger than the relay takes, or had no JSON form; an error was sent instead. */
  | { readonly type: "result.unsendable"; readonly id: string; readonly reason: string }
  /** Progress, or another report, was not sent. */
  | {
    readonly type: "progress.dropped";
    readonly id: string;
    /** Its message's type. */
    readonly report: string;
    readonly reason: string;
  }
  /** `serve` was asked to stop. */
  | {
    readonly type: "stopping";
    readonly running: number;
    readonly kept: number;
    readonly drainMs: number;
  }
  /** The time to finish is over: these handlers were aborted, a relay hands their work out again. */
  | { readonly type: "work.abandoned"; readonly running: number }
  /** `serve` ended before a relay had stored these answers; their work is handed out again. */
  | { readonly type: "results.lost"; readonly kept: number };

/** Takes events. What it throws is dropped: telling must not break what is told about. */
export type EventHook = (event: AgentEvent) => void;
