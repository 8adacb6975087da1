/**
 * The header `Prefer` (RFC 7240), of which `wait` is understood.
 *
 * @module
 */

/** The longest time to wait for a result, in seconds. */
export const MAX_WAIT_SECONDS = 300;

/**
 * How long the client would wait, in seconds.
 *
 * @param header All its values, as one list.
 * @returns 0 if it says nothing that can be used: preferences that are not understood are ignored.
 */
export function preferredWaitSeconds(header: string | undefined): number {
  for (const preference of (header ?? "").split(",")) {
    const [, seconds] = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?$/i.exec(preference) ?? [];
    // The first one counts.
    if (seconds !== undefined) return Math.min(Number(seconds), MAX_WAIT_SECONDS);
  }
  return 0;
}
