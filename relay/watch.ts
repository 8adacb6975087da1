/**
 * Watches attempts whose time is limited: by the work's deadline, by how long an attempt may take, and
 * by how long its agent may say nothing about it.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "@ourocodus/protocol";
import type { Attempt } from "./attempt.ts";
import { attemptItem } from "./attempt_effects.ts";
import { inWords } from "./in_words.ts";
import type { Journal } from "./journal.ts";

/** How often is looked, in milliseconds. */
const LOOK_MS = 500;
const log = getLogger(["ourocodus", "relay"]);

/** The attempts that are watched. */
export class Watch {
  readonly #journal: Journal;
  readonly #onLooked: () => void;
  readonly #attempts = new Set<Attempt>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  /** @param onLooked Told when an attempt was ended. */
  constructor(journal: Journal, onLooked: () => void) {
    this.#journal = journal;
    this.#onLooked = onLooked;
  }

  /** An agent has got an attempt. */
  add(attempt: Attempt): void {
    this.#attempts.add(attempt);
    // What comes while the relay closes is nobody's any more.
    if (!this.#closed) this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  /** It has ended. */
  delete(attempt: Attempt): void {
    if (!this.#attempts.delete(attempt) || this.#attempts.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Ends the timer. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    for (const attempt of this.#attempts) {
      try {
        this.#lookAt(attempt, now);
      } catch (error) {
        log.error("an attempt cannot be ended", { id: attempt.id, error: messageOf(error) });
      }
    }
  }

  #lookAt(attempt: Attempt, now: number): void {
    const { time } = attempt;
    if (time === undefined) return;
    const { deadline, noProgressMs = Infinity } = time.limits;
    if (deadline !== undefined && Date.now() >= deadline.at) {
      attempt.deadlineOver(deadline.message);
      return this.#onLooked();
    }
    const silentMs = now - time.heardAt;
    if (attempt.state !== "running" || silentMs < noProgressMs / 2) return;
    if (silentMs >= noProgressMs) {
      attempt.noProgress(`the agent has said nothing for ${inWords(silentMs)}`);
      return this.#onLooked();
    }
    if (time.isSilent) return;
    time.isSilent = true;
    const item = {
      silent_ms: Math.round(silentMs),
      no_progress_ms: Math.round(noProgressMs),
    };
    this.#journal.work(attempt.session, "work.silent", attemptItem(attempt, item));
  }
}
