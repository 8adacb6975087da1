import { get } from "node:http";

/** What a relay says of itself at `GET /health`. */
export interface RelayHealth {
  /** `healthy`, `draining` or `unhealthy`. */
  readonly status: string;
  readonly relay_id: string;
  readonly version: string;
}

/** How long it may take to answer, in milliseconds. */
const TIMEOUT_MS = 3_000;

/**
 * Asks a relay how it is; never through a proxy, as `fetch` would.
 *
 * @returns Undefined if nobody answers, or not as a relay does.
 */
export function relayHealth(hostname: string, port: number): Promise<RelayHealth | undefined> {
  const { promise, resolve } = Promise.withResolvers<RelayHealth | undefined>();
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

function parse(text: string): RelayHealth | undefined {
  try {
    const health = JSON.parse(text) as RelayHealth;
    return typeof health.relay_id === "string" ? health : undefined;
  } catch {
    return undefined;
  }
}
