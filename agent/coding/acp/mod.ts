/** Coding agents that speak the Agent Client Protocol. @module */
export { Adapter, type AdapterOptions, type OpenOptions } from "./adapter.ts";
export type { AgentInfo } from "./agent_info.ts";
export { Conversation, type ConversationListener, type TurnEnd } from "./conversation.ts";
export { codingEnvironment, writableHome } from "./environment.ts";
export { AdapterError, CannotLoad } from "./errors.ts";
export { acpPreset, type PermissionSetup, type Preset, PRESETS } from "./presets.ts";
