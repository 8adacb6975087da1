/** The oldest nats-server that Ourocodus works with. */
export const OLDEST_NATS_SERVER = "2.12.0";

/** Where every release of nats-server can be had. */
export const NATS_RELEASES_URL = "https://github.com/nats-io/nats-server/releases";

/**
 * Says whether a version is recent enough; a pre-release counts as its release.
 *
 * @param version For example `2.14.5` or `2.15.0-RC.1`.
 * @param minimum For example `2.12.0`; by default {@linkcode OLDEST_NATS_SERVER}.
 */
export function isAtLeast(version: string, minimum: string = OLDEST_NATS_SERVER): boolean {
  const wanted = numbers(minimum);
  for (const [index, number] of numbers(version).entries()) {
    const other = wanted[index] ?? 0;
    if (number !== other) return number > other;
  }
  return true;
}

function numbers(version: string): number[] {
  return version.split(/[-+]/, 1)[0]?.split(".").map(Number) ?? [];
}
