/**
 * What a process is started with, and what is known of one that was.
 *
 * @module
 */
import type { ProcessIdentity } from "./process_identity.ts";

/** What a process is started with, each time. */
export interface ProcessSpec {
  /** Unique among what a supervisor keeps. */
  readonly name: string;
  readonly kind: "part" | "agent";
  /** The higher, the earlier it is stopped; those of one rank are stopped together. */
  readonly rank: number;
  readonly command: string;
  readonly args: readonly string[];
  /** Variables added to the environment of the command that asked for the start. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The file that its output is added to. */
  readonly log: string;
  /** How long it may take to end after SIGTERM before SIGKILL, in milliseconds. */
  readonly stopMs: number;
  /** The port that it listens on, if it does. */
  readonly port?: number;
  /** Of an agent. */
  readonly agent?: AgentFacts;
}

/** What is to be known of an agent. */
export interface AgentFacts {
  readonly id: string;
  readonly session: string;
  readonly role: string;
  readonly concurrency: number;
  /** Whether its relay is this home's, wherever that listens. */
  readonly atOwnRelay?: boolean;
}

/** How a process ended; both are null if nobody knows, as it was not our child. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * - `starting`: it runs, and nobody has said yet that it is ready; if it ends, it stays ended.
 * - `running`: it runs; if it crashes, it is started again.
 * - `waiting`: it crashed, and is started again soon.
 * - `stopping`: it was asked to end.
 * - `exited`: it ended, and is not started again.
 */
export type ProcessStatus = "starting" | "running" | "waiting" | "stopping" | "exited";

/** A process as it is now. */
export interface ProcessView {
  readonly spec: ProcessSpec;
  readonly status: ProcessStatus;
  /** Of the one that runs. */
  readonly identity?: ProcessIdentity;
  /** When it was last started, ISO 8601. */
  readonly startedAt: string;
  /** How often it was started again. */
  readonly restarts: number;
  /** How it last ended. */
  readonly exit?: Exit;
  /** Whether an earlier supervisor had started it. */
  readonly adopted: boolean;
}

/** `with exit code 1`, `by SIGKILL`. */
export function exitText({ code, signal }: Exit): string {
  if (signal !== null) return `by ${signal}`;
  return code === null ? "with an exit code that nobody saw" : `with exit code ${code}`;
}
