import { MAX_RETRY_DELAY_MS, OurocodusError } from "@ourocodus/protocol";

/** Options of {@linkcode RetryableError}. */
export interface RetryableErrorOptions extends ErrorOptions {
  /** See {@linkcode RetryableError.delayMs}. */
  readonly delayMs?: number;
  /** See {@linkcode RetryableError.reason}. */
  readonly reason?: string;
  /** See {@linkcode RetryableError.charge}. */
  readonly charge?: boolean;
}

const DEFAULT_RETRY_DELAY_MS = 1_000;

/**
 * Thrown by a handler to release its work: it is handed out again later, to another agent first. The
 * attempt is charged to the work, which is dead after a number of charged attempts, unless
 * {@linkcode RetryableError.charge} or the reason says that the agent has not really worked.
 */
export class RetryableError extends OurocodusError {
  override readonly name = "RetryableError";
  /** When the work may be handed out again, in milliseconds from now. */
  readonly delayMs: number;
  /**
   * Why, for machines: a word in snake_case. Three are not charged by default: `not_accepted` (the agent
   * cannot do work for now), `limited` (its provider is), `snoozed` (the work is to be done later).
   */
  readonly reason?: string;
  /** Whether the attempt is charged to the work; by default the reason says. */
  readonly charge?: boolean;

  /**
   * @param message Why; it is recorded.
   * @param options `delayMs`: 0 to 2 592 000 000 (30 days), 1000 by default. What is beyond these
   * limits is moved to the nearer one, for an error in an error would hide the first.
   */
  constructor(message: string, options: RetryableErrorOptions = {}) {
    super("retryable", message, options);
    this.reason = options.reason;
    this.charge = options.charge;
    const delayMs = Math.round(options.delayMs ?? DEFAULT_RETRY_DELAY_MS);
    this.delayMs = Math.min(Math.max(Number.isNaN(delayMs) ? 0 : delayMs, 0), MAX_RETRY_DELAY_MS);
  }
}

/** Options of {@linkcode WorkError}. */
export interface WorkErrorOptions extends ErrorOptions {
  /** See {@linkcode WorkError.details}. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Thrown by a handler to fail its work for good, with more to say than a message: the result is of
 * type `error`, and its payload is `{code, message}` and the details next to them.
 */
export class WorkError extends OurocodusError {
  override readonly name = "WorkError";
  /** Further fields of the error result's payload: anything with a JSON form. */
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * @param code What went wrong, for machines: in snake_case.
   * @param message What went wrong, for people.
   */
  constructor(code: string, message: string, options: WorkErrorOptions = {}) {
    super(code, message, options);
    this.details = options.details ?? {};
  }
}

/**
 * Why an attempt's result is no longer wanted: what `WorkContext.signal` is aborted with. `code` is
 * `cancelled` (somebody cancelled the work), `answered` (another attempt's result was accepted, or the
 * work is dead), `deadline_exceeded` (it has taken too long), `no_progress` (the handler has said nothing
 * for too long), `lease_lost` (another agent has the work), another word of a newer relay's,
 * or `stopped` (the agent ends; the work is handed out again).
 */
export class WorkAbortedError extends OurocodusError {
  override readonly name = "WorkAbortedError";
}

/** Whether something thrown is of a class; what cannot be asked, as a revoked proxy, is of none. */
export function isA<T>(thrown: unknown, type: new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof type;
  } catch {
    return false;
  }
}

/** Why an agent cannot go on serving. */
export interface ServeFailure {
  /**
   * - `upgrade_refused`: the relay answered the connection with an HTTP status that will not
   *   change by trying again, such as 400.
   * - `closed_for_good`: the relay closed with a code from 4500 to 4999, such as 4500 when another
   *   agent connected with the same id.
   * - `not_a_relay`: a server answered that does not speak `ourocodus.v1`.
   */
  readonly code: "upgrade_refused" | "closed_for_good" | "not_a_relay";
  /** What the other side said, as far as it said something. */
  readonly reason: string;
  /** The HTTP status, of `upgrade_refused`. */
  readonly status?: number;
  /** The WebSocket close code, of `closed_for_good`. */
  readonly closeCode?: number;
}

/** The agent was told not to come back; trying again would end the same way. */
export class ServeError extends OurocodusError {
  override readonly name = "ServeError";
  /** What the other side said. */
  readonly reason: string;
  /** The HTTP status, if the connection was refused with one. */
  readonly status?: number;
  /** The WebSocket close code, if the connection was closed with one. */
  readonly closeCode?: number;

  /** @param message With the relay's URL and the reason; `failure` is the same for machines. */
  constructor(message: string, failure: ServeFailure) {
    super(failure.code, message);
    this.reason = failure.reason;
    this.status = failure.status;
    this.closeCode = failure.closeCode;
  }
}

/** A question was refused by the relay, or cannot be asked there: an older one does not know any. */
export class QuestionError extends OurocodusError {
  override readonly name = "QuestionError";
}

/** An option of `serve` has a value that cannot be used. */
export class OptionError extends OurocodusError {
  override readonly name = "OptionError";

  /** @param message Names the option, its value and what is allowed. */
  constructor(message: string) {
    super("option", message);
  }
}
