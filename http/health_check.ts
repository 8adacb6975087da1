/**
 * `--health-check`: asks the relay, or the API, that runs with the same settings how it is. Images have no other
 * program that could.
 *
 * @module
 */
import { messageOf } from "@ourocodus/bus";

/** How it is, by its own account. */
export type HealthCheck =
  | { readonly kind: "healthy"; readonly body: string }
  | { readonly kind: "unhealthy"; readonly reason: string };

/** How long it may take to answer, in milliseconds. */
const TIMEOUT_MS = 4_000;

/**
 * Asks `GET /health`.
 *
 * @param address Where it listens; one that listens on all addresses is asked on its own.
 * @param options `timeoutMs`: how long it may take to answer; 4 000 by default.
 * @returns What it said; `unhealthy` if it cannot be reached, too.
 */
export async function checkHealth(
  address: { readonly host: string; readonly port: number },
  options: { readonly timeoutMs?: number } = {},
): Promise<HealthCheck> {
  const url = `http://${authority(address.host)}:${address.port}/health`;
  try {
    const signal = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
    const response = await fetch(url, { signal });
    const body = await response.text();
    if (response.ok) return { kind: "healthy", body };
    return { kind: "unhealthy", reason: `${url} answered ${response.status}: ${body}` };
  } catch (error) {
    // fetch hides why it failed in the error beneath.
    const why = messageOf(error instanceof Error && error.cause ? error.cause : error);
    return { kind: "unhealthy", reason: `${url} does not answer: ${why}` };
  }
}

function authority(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::" || host === "[::]") return "[::1]";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
