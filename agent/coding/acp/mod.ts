/**
 * Coding agents that speak the Agent Client Protocol: which are known, how one is started, spoken
 * to and ended, and what is missing where one cannot be used.
 *
 * @module
 */
export { type AcpProcessOptions } from "./acp_process.ts";
export { Adapter, type AdapterOptions, type OpenOptions } from "./adapter.ts";
export { type AgentInfo } from "./agent_info.ts";
export {
  type AgentCheck,
  checkAgent,
  type CheckAgentOptions,
  lines,
  type LoginCheck,
  type Missing,
} from "./check_agent.ts";
export { Conversation, type ConversationListener, type TurnEnd } from "./conversation.ts";
export {
  codingEnvironment,
  type CodingEnvironmentOptions,
  type GivenVariable,
  parseEnvFile,
  parseGivenVariable,
  patternOf,
  writableHome,
} from "./environment.ts";
export { AdapterError, type AdapterErrorCode, CannotLoad, type RpcError } from "./errors.ts";
export { failureIn, type SessionFailure } from "./session_failure.ts";
export {
  acpPreset,
  type Login,
  type PermissionLevel,
  type PermissionSetup,
  type Preset,
  PRESETS,
} from "./presets.ts";
export { findAgent, type FoundAgent } from "./program.ts";
export { type SessionModes } from "./session_info.ts";
