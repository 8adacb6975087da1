/**
 * The relay: carries work from NATS to agents' WebSockets, and their results back.
 *
 * @module
 */
export { AgentConnection, type AgentSocket, type SocketEnd } from "./agent_connection.ts";
export {
  type AgentRequest,
  type BadParameter,
  MAX_CONCURRENCY,
  parseAgentRequest,
  type ParsedAgentRequest,
} from "./agent_request.ts";
export { Relay, type RelayHealth } from "./relay.ts";
export { type HandlerOptions, relayHandler } from "./server.ts";
export { DEFAULT_LIMITS, type RelayLimits, type RelaySettings, relaySettings } from "./settings.ts";
export { type RunningRelay, startRelay } from "./start.ts";
