/**
 * Which of all that an agent says is its answer: the last message after the last tool call.
 *
 * A stream that was cut begins again. claude and codex then use a new message id. opencode (1.18.33)
 * uses the same one and gives no sign, but pauses for two seconds or more: text after a pause that
 * begins like the message is the message once more. gemini has no message ids.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";

/** Longer answers are cut; what is left out is counted. */
export const MAX_ANSWER_CHARACTERS = 2 ** 20;
const RESTART_PAUSE_MS = 1_500;
/** As much must be alike, or all that stands before the pause. */
const RESTART_CHARACTERS = 24;

/** The agent's answer, from the pieces of its messages. */
export class AnswerText {
  readonly #clock: Pick<Clock, "now">;
  #pieces: string[] = [];
  #characters = 0;
  #leftOut = 0;
  #messageId: string | undefined;
  /** A tool call came: the next text begins another message. */
  #isOver = true;
  #lastAt = -Infinity;
  /** Where text went on after a pause. */
  #pausedAt: number | undefined;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Takes a piece. @param messageId The agent's, if it has such. */
  add(text: string, messageId: string | undefined): void {
    if (text === "") return;
    if (this.#isOver || messageId !== this.#messageId) this.#begin(messageId);
    const now = this.#clock.now();
    if (this.#characters > 0 && now - this.#lastAt >= RESTART_PAUSE_MS) this.#foldRestart();
    if (this.#characters > 0 && now - this.#lastAt >= RESTART_PAUSE_MS) {
      this.#pausedAt = this.#characters;
    }
    this.#lastAt = now;
    const room = MAX_ANSWER_CHARACTERS - this.#characters;
    const taken = text.slice(0, room);
    this.#leftOut += text.length - taken.length;
    if (taken === "") return;
    this.#pieces.push(taken);
    this.#characters += taken.length;
    // Many small pieces cost more memory than their text.
    if (this.#pieces.length >= 1_000) this.#pieces = [this.#pieces.join("")];
  }

  /** A tool call begins, or another prompt: what was said is no answer once more text comes. */
  endMessage(): void {
    this.#isOver = true;
  }

  /** Whether something was said since the last {@linkcode AnswerText.endMessage}. */
  get isAnswered(): boolean {
    return !this.#isOver && this.#pieces.join("").trim() !== "";
  }

  /** The answer: if nothing was said after the last tool call, the message before it. */
  get text(): string {
    this.#foldRestart();
    const text = this.#pieces.join("").toWellFormed().trim();
    if (this.#leftOut === 0) return text;
    return `${text}\n\n[${this.#leftOut} more characters are left out: an answer is at most ` +
      `${MAX_ANSWER_CHARACTERS}]`;
  }

  #begin(messageId: string | undefined): void {
    this.#pieces = [];
    this.#characters = 0;
    this.#leftOut = 0;
    this.#messageId = messageId;
    this.#isOver = false;
    this.#pausedAt = undefined;
  }

  /** Drops what stands before a pause, if the message began again after it. */
  #foldRestart(): void {
    if (this.#pausedAt === undefined) return;
    const whole = this.#pieces.join("");
    const after = whole.slice(this.#pausedAt);
    const alike = Math.min(this.#pausedAt, RESTART_CHARACTERS);
    if (!after.startsWith(whole.slice(0, alike))) return;
    this.#pieces = [after];
    this.#characters = after.length;
    this.#pausedAt = undefined;
  }
}
