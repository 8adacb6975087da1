/**
 * What a relay or the API says of itself.
 *
 * @module
 */
import { get } from "node:http";

/** The answer of `GET /health`, as far as both have it. */
export interface HttpHealth {
  /** `healthy`, `draining` or `unhealthy`. */
  readonly status: string;
  readonly version: string;
}

/** How long it may take to answer, in milliseconds. */
const TIMEOUT_MS = 3_000;

/**
 * Asks `GET /health`; never through a proxy, as `fetch` would.
 *
 * @returns Undefined if nobody answers, or not as ours do.
 */
export function httpHealth(hostname: string, port: number): Promise<HttpHealth | undefined> {
  const { promise, resolve } = Promise.withResolvers<HttpHealth | undefined>();
  const request = get({ hostname, port, path: "/health", agent: false }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => text += part);
    response.on("error", () => resolve(undefined));
    response.on("end", () => resolve(parse(text)));
  });
  request.setTimeout(TIMEOUT_MS, () => request.destroy());
  request.on("error", () => resolve(undefined));
  request.on("close", () => resolve(undefined));
  return promise;
}

function parse(text: string): HttpHealth | undefined {
  try {
    const health = JSON.parse(text) as HttpHealth;
    return typeof health.status === "string" && typeof health.version === "string"
      ? health
      : undefined;
  } catch {
    return undefined;
  }
}
