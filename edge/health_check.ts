/**
 * `--health-check`: asks the relay, or the API, that runs with the same settings how it is. Images have no other
 * program that could.
 *
 * @module
 */
import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { messageOf } from "@ourocodus/protocol";

/** How it is, by its own account. */
export type HealthCheck =
  | { readonly kind: "healthy"; readonly body: string }
  | { readonly kind: "unhealthy"; readonly reason: string };

/** How long it may take to answer, in milliseconds. */
const TIMEOUT_MS = 4_000;

/**
 * Asks `GET /health`.
 *
 * With TLS, the certificate is not verified: it is the name's by which others know the server, and
 * nothing that is secret is asked or told.
 *
 * @param address Where it listens; one that listens on all addresses is asked on its own.
 * @param options `timeoutMs`: how long it may take to answer; 4 000 by default.
 * @returns What it said; `unhealthy` if it cannot be reached, too.
 */
export async function checkHealth(
  address: { readonly host: string; readonly port: number; readonly tls?: unknown },
  options: { readonly timeoutMs?: number } = {},
): Promise<HealthCheck> {
  const scheme = address.tls === undefined ? "http" : "https";
  const url = `${scheme}://${authority(address.host)}:${address.port}/health`;
  try {
    const { status, text } = await getHealth(url, options.timeoutMs ?? TIMEOUT_MS);
    if (status === 200) return { kind: "healthy", body: text };
    return { kind: "unhealthy", reason: `${url} answered ${status}: ${text}` };
  } catch (error) {
    return { kind: "unhealthy", reason: `${url} does not answer: ${messageOf(error)}` };
  }
}

/**
 * Asks a server of ours how it is; never through a proxy, as `fetch` would, and without verifying
 * its certificate.
 *
 * @param url That of its `/health`.
 * @param timeoutMs How long it may take to answer.
 * @throws {Error} If it cannot be reached, or does not answer in time.
 */
export async function getHealth(
  url: string,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const options = { agent: false, rejectUnauthorized: false } as const;
  const ask = url.startsWith("https:") ? httpsGet : httpGet;
  const request = ask(url, options, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => text += part);
    response.on("error", reject);
    response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
  });
  request.on("error", reject);
  request.on("close", () => reject(new Error("the connection was closed")));
  const late = () => request.destroy(new Error(`no answer within ${timeoutMs} ms`));
  const timer = setTimeout(late, timeoutMs);
  return await promise.finally(() => clearTimeout(timer));
}

function authority(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::" || host === "[::]") return "[::1]";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
