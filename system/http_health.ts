/**
 * What a relay or the API says of itself.
 *
 * @module
 */
import { getHealth } from "@ourocodus/edge";

/** The answer of `GET /health`, as far as both have it. */
export interface HttpHealth {
  /** `healthy`, `draining` or `unhealthy`. */
  readonly status: string;
  readonly version: string;
}

/** How long it may take to answer, in milliseconds. */
const TIMEOUT_MS = 2_000;

/**
 * Asks `GET /health`.
 *
 * @param url Where it listens, without a path.
 * @returns Undefined if nobody answers, or not as ours do.
 */
export async function httpHealth(url: string): Promise<HttpHealth | undefined> {
  try {
    return parse((await getHealth(`${url}/health`, TIMEOUT_MS)).text);
  } catch {
    return undefined; // Whatever went wrong: it is not healthy.
  }
}

function parse(text: string): HttpHealth | undefined {
  const health = JSON.parse(text) as HttpHealth;
  return typeof health.status === "string" && typeof health.version === "string"
    ? health
    : undefined;
}
