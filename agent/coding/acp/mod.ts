/**
 * Coding agents that speak the Agent Client Protocol: which are known, how one is started, spoken
 * to and ended, and what is missing where one cannot be used.
 *
 * @module
 */
export { Adapter, type OpenOptions } from "./adapter.ts";
export { type AgentInfo } from "./agent_info.ts";
export { type AgentCheck, checkAgent, lines } from "./check_agent.ts";
export { Conversation, type ConversationListener, type TurnEnd } from "./conversation.ts";
export { codingEnvironment, patternOf, writableHome } from "./environment.ts";
export { AdapterError, CannotLoad } from "./errors.ts";
export type { GatewayPointer, JsonObject } from "./gateway_setup.ts";
export { type PermissionLevel, type PermissionSetup, type Preset, PRESETS } from "./presets.ts";
export { findAgent } from "./program.ts";
