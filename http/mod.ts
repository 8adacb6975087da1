/**
 * What the HTTP sides of relay and API share: who may do what, how they listen, how they say how
 * they are.
 *
 * @module
 */
export * from "./access.ts";
export * from "./credentials.ts";
export * from "./gate.ts";
export * from "./health_check.ts";
export * from "./host.ts";
export * from "./listen.ts";
export * from "./nats_reports.ts";
export * from "./origin.ts";
export * from "./prometheus.ts";
export * from "./refusal.ts";
export * from "./server_program.ts";
export * from "./server_settings.ts";
export * from "./token.ts";
export * from "./token_settings.ts";
export * from "./token_signer.ts";
export * from "./token_verifier.ts";
