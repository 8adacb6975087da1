import {
  invalidName,
  InvalidNameError,
  isLimitKey,
  LIMIT_KEY_RULE,
  MAX_WORK_LIMIT_MS,
} from "@ourocodus/protocol";
import { Agent } from "./agent.ts";
import { agentUrl, parseRelayUrls } from "./agent_url.ts";
import { type Clock, systemClock } from "./clock.ts";
import { OptionError } from "./errors.ts";
import { logEvent } from "./event_log.ts";
import type { EventHook } from "./events.ts";
import type { SocketFactory } from "./socket.ts";
import { isHeaderToken, webSocketFactory } from "./web_socket.ts";
import type { Handler } from "./work.ts";

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /**
   * Where a relay listens: `ws://host:8080`, `wss://host`; a path before `/agent` is kept. Several,
   * separated by commas, are tried in turn, beginning with the first.
   */
  readonly relayUrl: string;
  /** Whose work to take: 1 to 64 of `A-Z a-z 0-9 _ -`. */
  readonly session: string;
  /** Which of the session's work to take: 1 to 64 of `A-Z a-z 0-9 _ -`. */
  readonly role: string;
  /**
   * The agent's own name, 1 to 64 of `A-Z a-z 0-9 _ -`; a random one by default. Of two agents
   * with the same name, session and role the one that connects later replaces the other.
   */
  readonly agentId?: string;
  /** How many work items run at once, 1 to 1024; 1 by default. */
  readonly concurrency?: number;
  /**
   * Agents with the same key, 1 to 128 printable characters without a space, share the limits of a
   * provider: if one is `limited`, see {@linkcode RetryableError}, all take no work until its time.
   */
  readonly limitKey?: string;
  /**
   * How long an attempt may take, in milliseconds, 1 to 2 592 000 000: then it is aborted, and the work
   * gets an error. By default the relay decides. A work item's own `deadline_ms` comes first.
   */
  readonly maxAttemptMs?: number;
  /**
   * How long a handler may say nothing with `WorkContext.progress`, in milliseconds, as above: then its
   * attempt is aborted, and the work is another agent's. A work item's `no_progress_ms` comes first.
   */
  readonly noProgressMs?: number;
  /**
   * What lets it in, where relays ask for a token; a function is asked before each connection, so
   * that a token that expires can be replaced. It is sent as a header, and shown nowhere.
   */
  readonly token?: string | (() => string | undefined);
  /** Certificates (PEM) of authorities that are trusted for `wss:` besides the known ones. */
  readonly caCerts?: readonly string[];
  /** Stops the agent, see {@linkcode serve}. Without it the agent serves forever. */
  readonly signal?: AbortSignal;
  /** After `signal`: does not wait for running work any longer, nor for results to be stored. */
  readonly abandon?: AbortSignal;
  /** How long running work may take when the agent is stopped, in milliseconds; 25 000 by default. */
  readonly drainMs?: number;
  /** The longest wait before the first reconnection, in milliseconds; 500 by default. */
  readonly backoffBaseMs?: number;
  /** The longest wait before any reconnection, in milliseconds; 30 000 by default. */
  readonly backoffCapMs?: number;
  /** Told what happens; by default events go to LogTape's category `ourocodus.agent`. */
  readonly onEvent?: EventHook;
  /** For tests: the time. */
  readonly clock?: Clock;
  /** For tests: opens sockets. */
  readonly openSocket?: SocketFactory;
}

/** The most work items that an agent may take at once. */
export const MAX_CONCURRENCY = 1_024;

const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Serves work as an agent, until it is stopped.
 *
 * It connects to a relay and hands every work item to the handler, as many at once as
 * `concurrency` says. What the handler returns is stored as the work's result; see
 * {@linkcode Handler}. When the connection is lost, handlers go on, and the agent reconnects
 * forever, with exponential backoff and full jitter, and resumes its running work as the same
 * attempt, at the same relay or at another. Results are kept until a relay has stored them,
 * and sent again after a reconnection if that is not certain; none is dropped, instead no new work
 * is begun while more than 32 Mi characters of results wait.
 *
 * When `signal` is aborted it takes no more work, lets running work finish for at most `drainMs`,
 * waits until the results are stored, and closes. Work that is not finished by then has its own
 * signal aborted, and the relay hands it out again.
 *
 * A handler that keeps the event loop busy, without an `await` that waits, lets nothing be sent or
 * answered, not even a relay's pings: after 20 seconds its agent may be taken for dead, and its work
 * be handed to another. Such work belongs into a worker.
 *
 * A relay that is gone without a word (its machine lost power, a cable was cut) is noticed by the
 * heartbeats that the relay announces in its welcome. A relay that announces none is noticed only
 * when the operating system gives up on what is sent, which can take a quarter of an hour. A
 * socket to such a relay cannot be closed, only abandoned, after 3 seconds; it may then keep a
 * program running that has nothing else to do, unless it calls `Deno.exit`.
 *
 * @param options Where to connect and as whom.
 * @param handler Does the work; called with it and a context for progress and cancellation.
 * @returns Settles when `signal` was aborted and the agent has closed.
 * @throws {OptionError} If an option has a value that cannot be used.
 * @throws {InvalidNameError} If session, role or agentId is malformed.
 * @throws {ServeError} If the agent must not come back: a relay closed with a code from 4500 to 4999,
 * or each of them is none, or refuses it with an HTTP status from 400 to 499. If one has served it
 * before, they may do so for two minutes.
 *
 * @example
 * ```ts
 * import { serve } from "@ourocodus/agent";
 *
 * await serve({
 *   relayUrl: "ws://localhost:8080",
 *   session: "docs",
 *   role: "shouter",
 *   signal: AbortSignal.abort(), // Stops at once; in a program, a signal of your own.
 * }, (work, context) => {
 *   context.progress("taking a breath");
 *   return { text: String(work.payload.text).toUpperCase() };
 * });
 * ```
 */
export async function serve(options: ServeOptions, handler: Handler): Promise<void> {
  const { session, role, agentId = crypto.randomUUID(), concurrency = 1 } = options;
  const { limitKey, maxAttemptMs, noProgressMs } = options;
  const { drainMs = 25_000, backoffBaseMs = 500, backoffCapMs = 30_000 } = options;
  checkName("session", session);
  checkName("role", role);
  checkName("agentId", agentId);
  checkToken(options.token);
  if (limitKey !== undefined && !isLimitKey(limitKey)) {
    throw new OptionError(`limitKey is ${JSON.stringify(limitKey)}, ${LIMIT_KEY_RULE}`);
  }
  for (const [name, value] of Object.entries({ maxAttemptMs, noProgressMs })) {
    if (value !== undefined) checkNumber(name, value, 1, MAX_WORK_LIMIT_MS);
  }
  checkNumber("concurrency", concurrency, 1, MAX_CONCURRENCY);
  checkNumber("drainMs", drainMs, 0, MAX_TIMER_MS);
  checkNumber("backoffBaseMs", backoffBaseMs, 1, MAX_TIMER_MS);
  checkNumber("backoffCapMs", backoffCapMs, backoffBaseMs, MAX_TIMER_MS);
  const identity = { session, role, agentId };
  const relays = parseRelayUrls(options.relayUrl).map((relayUrl) => {
    const url = agentUrl(relayUrl, {
      ...{ ...identity, concurrency, limitKey, maxAttemptMs, noProgressMs },
    });
    return { url: url.href, shownUrl: `${url.protocol}//${url.host}${url.pathname}` };
  });
  const agent = new Agent({
    relays,
    identity,
    concurrency,
    backoff: { baseMs: backoffBaseMs, capMs: backoffCapMs },
    drainMs,
    signal: options.signal,
    abandon: options.abandon,
    onEvent: options.onEvent ?? logEvent,
    clock: options.clock ?? systemClock,
    openSocket: options.openSocket ?? webSocketFactory(options),
  }, handler);
  await agent.run();
}

function checkName(option: string, value: unknown): void {
  const wrong = invalidName(value);
  if (wrong !== undefined) throw new InvalidNameError(option, wrong);
}

function checkToken(token: unknown): void {
  const usable = token === undefined || typeof token === "function" ||
    typeof token === "string" && isHeaderToken(token);
  if (!usable) throw new OptionError("token must be of printable ASCII characters, without spaces");
}

function checkNumber(option: string, value: unknown, min: number, max: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw new OptionError(`${option} is ${value}, allowed is a whole number from ${min} to ${max}`);
}
