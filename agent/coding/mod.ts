/**
 * The coding agent: has a program such as Claude Code do work, each work item in a git worktree.
 *
 * @module
 */
export { CodingAgent, codingAgent } from "./coding_agent.ts";
export type { CodingResult } from "./coding_result.ts";
export { type CodingFacts, lookAtAgent } from "./readiness.ts";
export type { CodingCheck, CodingOptions, CodingSandbox } from "./options.ts";
