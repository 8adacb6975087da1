/**
 * What the HTTP sides of relay and API share: who may do what, how they listen, how they say how
 * they are.
 *
 * @module
 */
export {
  type Access,
  FULL_ACCESS,
  isScope,
  lacking,
  type Need,
  type Scope,
  SCOPES,
} from "./access.ts";
export { requestAt, TOKEN_PARAMETER, withoutToken } from "./credentials.ts";
export { forbidden, Gate } from "./gate.ts";
export { getHealth } from "./health_check.ts";
export { listen } from "./listen.ts";
export { leaveReport, natsReports } from "./nats_reports.ts";
export { Counter, Gauge, Histogram, histogramSamples, Registry } from "./prometheus.ts";
export { problemResponse, type Refusal, REFUSALS } from "./refusal.ts";
export { type RunningServer, runServerProgram } from "./server_program.ts";
export {
  checkedServer,
  DRAIN_MS,
  portSetting,
  SERVER_SETTINGS,
  type ServerSettings,
  serverSettings,
  type TlsFiles,
} from "./server_settings.ts";
export { type Grant, looksSigned } from "./token.ts";
export { randomSecret, readTokenKeys, TOKEN_SETTINGS } from "./token_settings.ts";
export { createToken, MAX_TTL_MS, type Signer } from "./token_signer.ts";
export { TokenVerifier } from "./token_verifier.ts";
