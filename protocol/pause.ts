/**
 * Waits: some milliseconds, or until a signal is aborted, whichever comes first. An abort is no
 * error; the caller's loop looks at the signal anyway.
 *
 * @param ms How long, in milliseconds; not at all if it is 0 or less.
 *
 * @example
 * ```ts
 * import { pause } from "@ourocodus/protocol";
 *
 * await pause(10);
 * await pause(60_000, AbortSignal.abort());
 * ```
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted || ms <= 0) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", done);
    resolve();
  };
  const timer = setTimeout(done, ms);
  signal?.addEventListener("abort", done);
  return promise;
}
