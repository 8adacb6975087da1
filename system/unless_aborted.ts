/**
 * What a promise resolves to, unless a signal is aborted first: for what cannot be called off, and
 * ends by its own limits.
 *
 * @throws The signal's reason, as soon as it is aborted; and what the promise rejects with.
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    // Also where it is aborted already, somebody listens to what the promise rejects with.
    if (signal.aborted) abort();
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
