/**
 * The model gateway: coding agents ask their models through it, so that they need no key, and what
 * they use is counted, limited and paced in one place.
 *
 * @module
 */
export type { TokenUsage } from "./api_usage.ts";
export { usedUpText } from "./charges.ts";
export { Gateway, type GatewayOptions } from "./gateway.ts";
export { Ledger, LedgerError, type UsedUp } from "./ledger.ts";
export { Pass } from "./pass.ts";
export { type ProviderName } from "./providers.ts";
export { Recording } from "./recording.ts";
export { KEY_VARIABLES, type Upstream, upstreamsIn } from "./upstreams.ts";
