import type { Clock } from "../clock.ts";

/** Options of {@linkcode answerStream}. */
export interface AnswerStreamOptions {
  /** Sees each piece as it passes. */
  readonly onChunk: (chunk: Uint8Array) => void;
  /** Called once. @param isWhole False if it was cut, or nobody wanted the rest. */
  readonly onEnd: (isWhole: boolean) => void;
  /** Cuts it. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** It is cut after so long without a piece, in milliseconds. */
  readonly idleMs: number;
}

/**
 * Passes an answer on, a piece at a time and none before the one before was taken: nothing is
 * buffered, and a client that leaves ends the answer at its source.
 */
export function answerStream(
  source: ReadableStream<Uint8Array>,
  { onChunk, onEnd, signal, clock, idleMs }: AnswerStreamOptions,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let hasEnded = false;
  let lastMs = clock.now();
  let callOff = () => {};
  let fail = (_why: unknown) => {};
  const onAbort = () => cut(signal.reason);
  const end = (isWhole: boolean) => {
    if (hasEnded) return;
    hasEnded = true;
    callOff();
    signal.removeEventListener("abort", onAbort);
    onEnd(isWhole);
  };
  const cut = (why: unknown) => {
    end(false);
    fail(why);
    void reader.cancel(why).catch(() => {});
  };
  // One timer for the whole answer, and none a piece.
  const watch = (delayMs: number) => {
    callOff = clock.after(delayMs, () => {
      const leftMs = lastMs + idleMs - clock.now();
      if (leftMs > 0) watch(leftMs);
      else cut(new Error(`Nothing came for ${idleMs / 1_000} s`));
    });
  };
  watch(idleMs);
  return new ReadableStream({
    start(controller) {
      fail = (why) => controller.error(why);
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort);
    },
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (hasEnded) return;
        lastMs = clock.now();
        if (value !== undefined) {
          onChunk(value);
          controller.enqueue(value);
        }
        if (!done) return;
        end(true);
        controller.close();
      } catch (error) {
        if (!hasEnded) cut(error);
      }
    },
    async cancel(reason) {
      end(false);
      await reader.cancel(reason).catch(() => {});
    },
  }, { highWaterMark: 0 });
}
