import type { Clock } from "../clock.ts";
import type { GivenVariable } from "./acp/environment.ts";
import type { WorkLimits } from "./turn/mod.ts";

/** What runs as sandbox: bubblewrap, or nothing. */
export type CodingSandbox = "bwrap" | "none";

/** Options of {@linkcode CodingAgent}. Paths are absolute, or relative to the current folder. */
export interface CodingOptions {
  /** The preset of a known coding agent, such as `claude`; either this or `command`. */
  readonly agent?: string;
  /** The program and arguments of any other agent that speaks ACP on its standard input. */
  readonly command?: readonly string[];

  /** The git repository in which work is done, each work item in a worktree of its own. */
  readonly repo?: string;
  /** What worktrees begin with: a branch, tag or commit; the repository's HEAD by default. */
  readonly base?: string;
  /** The folder for worktrees and records; see `worktreesFolder` for the default. */
  readonly worktrees?: string;
  /** The folder in which work is done, for agents without a repository; instead of `repo`. */
  readonly cwd?: string;

  /** Shell command lines that prepare a new worktree, run in it by `/bin/sh -c`, in order. */
  readonly setup?: readonly string[];
  /** Files and folders copied from the main checkout into a new worktree; relative to it. */
  readonly copy?: readonly string[];

  /** A level, `all`, `edits` (default), `read` or `none`, or the path of a file with rules. */
  readonly permissions?: string;
  /**
   * Asks people about what is denied by the level, not by a rule, for at most so many milliseconds; then
   * it is denied. By default nobody is asked.
   */
  readonly askMs?: number;
  /** What decides whether work is done. */
  readonly check?: CodingCheck;
  /** The box the coding agent runs in; bubblewrap by default, where that works. */
  readonly sandbox?: CodingSandbox;
  /** Further files and folders that can be written to in a sandbox, such as a build's cache. */
  readonly writable?: readonly string[];

  /** Variables for the coding agent, besides those that its preset lets through. */
  readonly env?: readonly GivenVariable[];
  /** A file with further variables, `NAME=VALUE` a line. */
  readonly envFile?: string;
  /** Its model is asked through a gateway in this process, which alone has the key. */
  readonly gateway?: CodingGateway;
  /** Whether it has a home of its own, in which it is not logged in as the user is. */
  readonly isolatedHome?: boolean;

  /** Whether the model's thoughts are progress events. */
  readonly thoughts?: boolean;
  /** Whether everything that the coding agent says is kept in a file. */
  readonly transcript?: boolean;
  /** Limits of one work item; a payload's `limits` may only lower them. */
  readonly limits?: WorkLimits;

  /** The agent's id, after which its own home is named; a random one by default. */
  readonly agentId?: string;
  /** How many work items it does at once, each with a coding agent that is started before; 1. */
  readonly slots?: number;
  /** The environment of the agent program, from which allowed variables are taken. */
  readonly inherited: Readonly<Record<string, string>>;
  /** For tests: the time. */
  readonly clock?: Clock;
}

/** How a coding agent's model is asked through the gateway; see docs/coding-agents.md. */
export interface CodingGateway {
  /**
   * How many tokens may be used by all agents that have this folder of worktrees, since it was made;
   * no limit by default.
   */
  readonly budgetTokens?: number;
  /** The folder in which all requests and answers are kept, without keys. */
  readonly record?: string;
}

/** A command whose exit code says whether work is done. */
export interface CodingCheck {
  /** A shell command line, run in the worktree by `/bin/sh -c`; 0 means done. */
  readonly command: string;
  /** How often its output goes back to the coding agent as a further turn, 0 to 100; 2 by default. */
  readonly turns?: number;
  /** How long one run may take, in milliseconds; 600 000 (10 minutes) by default. */
  readonly timeoutMs?: number;
}
