/**
 * What an agent asks for when it connects: the query of `GET /agent`, and the WebSocket
 * subprotocols that it offers.
 *
 * @module
 */
import {
  invalidName,
  isLimitKey,
  LIMIT_KEY_RULE,
  MAX_WORK_LIMIT_MS,
  SUBPROTOCOL_V1,
} from "@ourocodus/protocol";

/** The most work items that one agent may have at once. */
export const MAX_CONCURRENCY = 1_024;

const PARAMETERS = [
  "session_id",
  "role",
  "agent_id",
  "concurrency",
  "confirm",
  "limit_key",
  "max_attempt_ms",
  "no_progress_ms",
];

/** How long attempts of an agent may take, if it has declared it. */
export interface AgentLimits {
  /** In milliseconds. */
  readonly maxAttemptMs?: number;
  /** In milliseconds. */
  readonly noProgressMs?: number;
}

/** A checked request. */
export interface AgentRequest {
  readonly session: string;
  readonly role: string;
  /** The agent's own name, if it gave one. */
  readonly agentId: string | undefined;
  /** 1 to 1024. */
  readonly concurrency: number;
  readonly protocol: "plain" | typeof SUBPROTOCOL_V1;
  /** Whether it wants to hear when its results are stored. */
  readonly confirm: boolean;
  /** Whose limits it shares, if it said so: see provider_limits.ts. */
  readonly limitKey?: string | undefined;
  readonly limits?: AgentLimits;
}

/** Which parameter is wrong, and why. */
export interface BadParameter {
  readonly parameter: string;
  readonly reason: string;
}

/** What {@linkcode parseAgentRequest} returns. */
export type ParsedAgentRequest =
  | { readonly kind: "ok"; readonly request: AgentRequest }
  | { readonly kind: "invalid"; readonly errors: readonly BadParameter[] };

/**
 * Checks an agent's request.
 *
 * @param query `session_id`, `role`, and optionally `agent_id`, `concurrency`, `confirm`, `limit_key`.
 * @param offered The value of `Sec-WebSocket-Protocol`. The relay takes `ourocodus.v1` if it is
 * among those offered; none at all is the plain protocol; only others is an error, since the
 * WebSocket handshake would fail in the client without saying why.
 * @returns The request, or everything that is wrong with it.
 */
export function parseAgentRequest(
  query: URLSearchParams,
  offered: string | null,
): ParsedAgentRequest {
  const errors: BadParameter[] = [];
  const check = (parameter: string, reason: string | undefined) => {
    if (reason !== undefined) errors.push({ parameter, reason: `${parameter} ${reason}` });
  };
  for (const parameter of PARAMETERS) {
    const count = query.getAll(parameter).length;
    if (count > 1) check(parameter, `is given ${count} times`);
  }
  const session = query.get("session_id") ?? "";
  const role = query.get("role") ?? "";
  const agentId = query.get("agent_id") ?? undefined;
  check("session_id", invalidName(query.get("session_id")));
  check("role", invalidName(query.get("role")));
  if (agentId !== undefined) check("agent_id", invalidName(agentId));
  const concurrency = query.get("concurrency") ?? "1";
  check("concurrency", invalidConcurrency(concurrency));
  const confirm = query.get("confirm") ?? "false";
  if (confirm !== "true" && confirm !== "false") {
    check("confirm", `is ${JSON.stringify(confirm)}, allowed are true, false`);
  }
  const limitKey = query.get("limit_key") ?? undefined;
  if (limitKey !== undefined && !isLimitKey(limitKey as unknown)) {
    check("limit_key", `is ${JSON.stringify(limitKey.slice(0, 129))}, ${LIMIT_KEY_RULE}`);
  }
  const limitOf = (parameter: string) => {
    const text = query.get(parameter);
    const value = /^\d{1,10}$/.test(text ?? "") ? Number(text) : 0;
    if (value >= 1 && value <= MAX_WORK_LIMIT_MS) return value;
    const shown = JSON.stringify(text?.slice(0, 32));
    const rule = `allowed is a whole number from 1 to ${MAX_WORK_LIMIT_MS}`;
    check(parameter, text === null ? undefined : `is ${shown}, ${rule}`);
    return undefined;
  };
  const maxAttemptMs = limitOf("max_attempt_ms");
  const noProgressMs = limitOf("no_progress_ms");
  const protocols = (offered ?? "").split(",").map((name) => name.trim()).filter(Boolean);
  if (protocols.length > 0 && !protocols.includes(SUBPROTOCOL_V1)) {
    const reason = `is "${protocols.join(", ")}", this relay speaks ${SUBPROTOCOL_V1}, or none`;
    check("Sec-WebSocket-Protocol", reason);
  }
  if (errors.length > 0) return { kind: "invalid", errors };
  return {
    kind: "ok",
    request: {
      session,
      role,
      agentId,
      concurrency: Number(concurrency),
      protocol: protocols.length > 0 ? SUBPROTOCOL_V1 : "plain",
      confirm: confirm === "true",
      ...(limitKey !== undefined && { limitKey }),
      limits: {
        ...(maxAttemptMs !== undefined && { maxAttemptMs }),
        ...(noProgressMs !== undefined && { noProgressMs }),
      },
    },
  };
}

function invalidConcurrency(text: string): string | undefined {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= MAX_CONCURRENCY) return undefined;
  const shown = JSON.stringify(text.slice(0, 32));
  return `is ${shown}, allowed is a whole number from 1 to ${MAX_CONCURRENCY}`;
}
