/** What the real coding agents are called here; also the names of the product's presets. */
export type CodingAgentName = "claude" | "codex" | "gemini" | "opencode";

/** A real coding agent that tests run, at one version. */
export interface PinnedAgent {
  readonly name: CodingAgentName;
  /** Its npm package. */
  readonly package: string;
  /** The version that tests were written for: how agents behave changes between versions. */
  readonly version: string;
  /** Its program, and the arguments with which that speaks ACP. */
  readonly command: readonly [program: string, ...args: string[]];
  /** A script of the package that an installation without scripts still has to run, with Node. */
  readonly afterInstall?: string;
}

/** The coding agents that tests run. */
export const PINNED_AGENTS: readonly PinnedAgent[] = [
  {
    name: "claude",
    package: "@agentclientprotocol/claude-agent-acp",
    version: "0.101.0",
    command: ["claude-agent-acp"],
  },
  {
    name: "codex",
    package: "@agentclientprotocol/codex-acp",
    version: "2.6.0",
    command: ["codex-acp"],
  },
  {
    name: "gemini",
    package: "@google/gemini-cli",
    version: "0.61.0",
    command: ["gemini", "--acp"],
  },
  {
    name: "opencode",
    package: "opencode-ai",
    version: "1.18.33",
    command: ["opencode", "acp"],
    // Puts the executable of an optional package in the place of a text that says it is missing.
    afterInstall: "postinstall.mjs",
  },
];
