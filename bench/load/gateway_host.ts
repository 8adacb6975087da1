/**
 * A load process: a gateway, as an agent program has it, or a proxy that looks at nothing. It tells
 * its URL and a token.
 *
 * @module
 */
import { Gateway, Ledger, type Upstream } from "../../agent/gateway/mod.ts";
import { readPlan, tell } from "./parent.ts";

/** How it is started. */
export interface GatewayPlan {
  readonly kind: "gateway" | "budget" | "bare";
  readonly providerUrl: string;
  /** Where tokens are counted. */
  readonly ledger: string;
}

const { kind, providerUrl, ledger } = readPlan<GatewayPlan>();

if (kind !== "bare") {
  const header = { header: "x-api-key" };
  const upstream: Upstream = { provider: "anthropic", baseUrl: providerUrl, key: "key", header };
  const gateway = Gateway.start({
    upstreams: [upstream],
    ledger: Ledger.open(ledger),
    ...(kind === "budget" && { budgetTokens: Number.MAX_SAFE_INTEGER }),
  });
  tell({ url: `${gateway.url}/anthropic`, token: gateway.admit().token });
} else {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => tell({ url: `http://127.0.0.1:${port}`, token: "none" }),
  }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const body = await request.arrayBuffer();
    const answer = await fetch(`${providerUrl}${pathname}${search}`, { method: "POST", body });
    return new Response(answer.body, { headers: answer.headers });
  });
}
