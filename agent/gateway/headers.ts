/**
 * Which headers pass through the gateway.
 *
 * @module
 */
import type { Upstream } from "./upstreams.ts";

/** They are about one connection, not about what travels on it (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"],
  ...["te", "trailer", "transfer-encoding", "upgrade"],
];
/** Set anew, or nobody's business on the other side. */
const OF_REQUEST = [
  ...["host", "content-length", "expect", "cookie", "accept-encoding"],
  ...["authorization", "x-api-key", "x-goog-api-key"],
];
/** The answer is passed on as text, in pieces. */
const OF_ANSWER = ["content-length", "content-encoding", "set-cookie", "location"];

/** Headers of a request at the provider: the coding agent's, with the key. */
export function requestHeaders(given: Headers, { key, header }: Upstream): Headers {
  const headers = without(given, [...HOP_BY_HOP, ...OF_REQUEST]);
  // What is compressed could not be read without being unpacked.
  headers.set("accept-encoding", "identity");
  headers.set(header.header, `${header.prefix ?? ""}${key}`);
  return headers;
}

/** Headers of an answer for the coding agent. A header that has the key is left out. */
export function answerHeaders(given: Headers, { key }: Upstream): Headers {
  const headers = without(given, [...HOP_BY_HOP, ...OF_ANSWER]);
  for (const [name, value] of [...headers]) if (value.includes(key)) headers.delete(name);
  return headers;
}

/** How many bytes a request's headers have. */
export function sizeOfHeaders(headers: Headers): number {
  return [...headers].reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
}

function without(given: Headers, names: readonly string[]): Headers {
  const headers = new Headers(given);
  const named = (given.get("connection") ?? "").split(",").map((name) => name.trim());
  for (const name of [...names, ...named]) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) headers.delete(name);
  }
  return headers;
}
