/**
 * The coding agent: has a program such as Claude Code do work, each work item in a git worktree.
 *
 * @module
 */
export { CodingAgent, codingAgent } from "./coding_agent.ts";
export type { CodingResult } from "./coding_result.ts";
export {
  type CodingFacts,
  codingFacts,
  lookAtAgent,
  missingAgent,
  missingFiles,
} from "./readiness.ts";
export { presetOf } from "./preset_of.ts";
export { checkCodingFiles, checkCodingOptions, permissionPolicy } from "./check_options.ts";
export { readEnvFile } from "./env_file.ts";
export type { CodingCheck, CodingOptions, CodingSandbox } from "./options.ts";
