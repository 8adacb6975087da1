/**
 * What runs on this machine, who keeps it, and how it is stopped; shared by command line and API.
 *
 * @module
 */

export {
  type AgentRow,
  agentRow,
  agentRows,
  type KnownAgent,
  knownAgents,
  type ManagedAgent,
} from "./agent_rows.ts";
export { agentNames, type AgentsWanted, MAX_AGENT_NAME } from "./agents_wanted.ts";
export { awaitConnected, noneEnded } from "./await_connected.ts";
export { bringUp, endIfIdle, failure, type HealthyPart } from "./bring_up.ts";
export { DEFAULT_API_PORT } from "./compose.ts";
export {
  type AgentsFacts,
  checkAgents,
  type CheckAgentsOptions,
  checkCodingAgent,
} from "./check_agents.ts";
export { ControlClient, ensureSupervisor, findSupervisor } from "./control_client.ts";
export { DOCKER_SETTINGS } from "./docker_endpoint.ts";
export { type AgentImage, agentImage, codingAgentImage, DockerRuntime } from "./docker_runtime.ts";
export {
  type DockerRecord,
  readDockerRecord,
  removeDockerRecord,
  writeDockerRecord,
} from "./docker_record.ts";
export { EndRequests } from "./end_requests.ts";
export { findHome, type Home, HOME_SETTINGS, logPath } from "./home.ts";
export type { StopOptions } from "./kept_process.ts";
export { untilGone } from "./launched_process.ts";
export { ensureMonitor } from "./monitor.ts";
export type { PartStatus } from "./part_status.ts";
export {
  DEFAULT_RELAY_URL,
  fileLog,
  logEnds,
  ProcessRuntime,
  untilStopped,
} from "./process_runtime.ts";
export { program } from "./programs.ts";
export { sendSignal } from "./process_identity.ts";
export type { ProcessView } from "./process_spec.ts";
export {
  forgetAgents,
  isAmong,
  managedRemembered,
  rememberAgents,
  type RememberedAgent,
  rememberedAgents,
} from "./remembered_agents.ts";
export { type FailedAgent, restoreAgents, type RestoredGroup } from "./restore_agents.ts";
export { runningSystem } from "./running_system.ts";
export type {
  AgentPlace,
  DockerAgentOptions,
  RestartedAgents,
  RuntimeContext,
  RuntimeLog,
  RuntimeStatus,
  StartedAgents,
} from "./runtime.ts";
export { Runtimes } from "./runtimes.ts";
export { readState, type SystemState, writeState } from "./state_file.ts";
export { Supervisor } from "./supervisor.ts";
export { SUPERVISOR } from "./supervisor_log.ts";
export { SystemError } from "./system_error.ts";
export { lookAtSystem, type SystemLook } from "./system_look.ts";
export {
  partEnvironment,
  SYSTEM_PARTS,
  type SystemPart,
  type SystemSettings,
} from "./system_parts.ts";
export {
  agentToken,
  keepSystemToken,
  SYSTEM_TOKEN_SETTINGS,
  systemSecret,
  systemToken,
} from "./system_token.ts";
export { unlessAborted } from "./unless_aborted.ts";
