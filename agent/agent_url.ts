import { OptionError } from "./errors.ts";

/** What an agent tells a relay in the URL. */
export interface AgentQuery {
  readonly session: string;
  readonly role: string;
  readonly agentId: string;
  readonly concurrency: number;
  readonly limitKey?: string | undefined;
  readonly maxAttemptMs?: number | undefined;
  readonly noProgressMs?: number | undefined;
}

const WEBSOCKET_SCHEME: Readonly<Record<string, string>> = {
  "ws:": "ws:",
  "wss:": "wss:",
  "http:": "ws:",
  "https:": "wss:",
};

/**
 * Parses a relay's URL: `ws://host:8080` or `wss://host/prefix`; `http` and `https` mean the same.
 *
 * @param text What was given; `name` is how the error calls it.
 * @throws {OptionError} If it is none.
 */
export function parseRelayUrl(text: unknown, name = "relayUrl"): URL {
  const url = typeof text === "string" ? URL.parse(text) : null;
  const scheme = url === null ? undefined : WEBSOCKET_SCHEME[url.protocol];
  if (url === null || scheme === undefined || url.hostname === "") {
    throw new OptionError(`${name} is ${shown(text)}, it must be a URL like ws://localhost:8080`);
  }
  url.protocol = scheme;
  url.hash = "";
  return url;
}

/**
 * Parses the URLs of one relay or of several, separated by commas.
 *
 * @param text What was given; `name` is how the error calls it.
 * @throws {OptionError} If one is malformed.
 */
export function parseRelayUrls(text: unknown, name = "relayUrl"): URL[] {
  // A comma may stand in a URL, too; one that ends it is followed by a scheme.
  const parts = typeof text === "string" ? text.split(/\s*,\s*(?=\w+:\/\/)/) : [text];
  return parts.map((part) => parseRelayUrl(part, name));
}

/**
 * Where an agent connects.
 *
 * @param relayUrl The relay's URL; what its path and query have already is kept.
 */
export function agentUrl(relayUrl: URL, query: AgentQuery): URL {
  const url = new URL(relayUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/agent`;
  url.searchParams.set("session_id", query.session);
  url.searchParams.set("role", query.role);
  url.searchParams.set("agent_id", query.agentId);
  url.searchParams.set("concurrency", String(query.concurrency));
  url.searchParams.set("confirm", "true");
  const { limitKey, maxAttemptMs, noProgressMs } = query;
  const more = { limit_key: limitKey, max_attempt_ms: maxAttemptMs, no_progress_ms: noProgressMs };
  for (const [name, value] of Object.entries(more)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/** Without its query, which may have a token in it. */
function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.replace(/\?.*/s, "?…")) : String(value);
}
