/**
 * Real coding agents for tests: which versions, where they are found, how they are installed, and a
 * home for each in which it talks to the model's double.
 *
 * @module
 */
export {
  codingAgentsHere,
  describeCodingAgents,
  forEachCodingAgent,
  type ForEachOptions,
  type TestCodingAgent,
} from "./for_each.ts";
export { type AgentHome } from "./home.ts";
export { installCodingAgents } from "./install.ts";
export { type RawAcp, withRawAcp } from "./raw_acp.ts";
export type { CodingAgentName, PinnedAgent } from "./pinned.ts";
