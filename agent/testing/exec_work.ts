import assert from "node:assert/strict";
import { WorkError } from "../errors.ts";
import { ExecAgent, type ExecOptions } from "../exec/mod.ts";
import type { Work, WorkContext } from "../work.ts";

/** What became of work, and the progress that it made. */
export interface Done {
  /** What the handler returned. */
  readonly result?: unknown;
  /** What it threw. */
  readonly error?: unknown;
  readonly progress: readonly unknown[];
}

/** What is different about work. */
export interface ExecWorkOptions {
  readonly id?: string;
  readonly signal?: AbortSignal;
  readonly maxPayloadBytes?: number;
  /** The work's key; one of its own by default. */
  readonly key?: string;
  readonly attempt?: number;
  readonly onProgress?: (payload: unknown) => void;
}

/** A work item. */
export function workOf(
  payload: Work["payload"],
  options: Pick<ExecWorkOptions, "id" | "key" | "attempt"> = {},
): Work {
  const { id = "w", key = crypto.randomUUID(), attempt = 1 } = options;
  const message = { id, type: "work", payload };
  return { ...message, attempt, sequence: 1, key, message };
}

/** Has an agent do a work item. */
export async function doWork(
  agent: ExecAgent,
  payload: Work["payload"],
  options: ExecWorkOptions = {},
): Promise<Done> {
  const { signal = new AbortController().signal, maxPayloadBytes = 1_000_000 } = options;
  const progress: unknown[] = [];
  const context: WorkContext = {
    progress: (told) => {
      progress.push(told);
      options.onProgress?.(told);
    },
    onStored: () => {},
    ask: () => Promise.reject(new Error("nobody is asked")),
    attempt: options.attempt ?? 1,
    signal,
    maxPayloadBytes,
    session: "s",
    role: "r",
    agentId: "a",
  };
  try {
    return { result: await agent.handler(workOf(payload, options), context), progress };
  } catch (error) {
    return { error, progress };
  }
}

/** Runs a command for one work item. */
export async function runOnce(
  command: readonly string[],
  payload: Work["payload"] = { message: "hello" },
  options: Partial<ExecOptions> & ExecWorkOptions = {},
): Promise<Done> {
  await using agent = new ExecAgent({
    env: { PATH: Deno.env.get("PATH") ?? "" },
    ...options,
    command,
  });
  return await doWork(agent, payload, options);
}

/** The same for a script of `sh`. */
export function runShell(
  script: string,
  payload?: Work["payload"],
  options?: Partial<ExecOptions> & ExecWorkOptions,
): Promise<Done> {
  return runOnce(["sh", "-c", script], payload, options);
}

/** The result's payload without what differs each time. */
export function resultOf({ result, error }: Done): Record<string, unknown> {
  assert.equal(error, undefined);
  const { duration_ms: ms, ...rest } = result as Record<string, unknown>;
  assert(Number.isSafeInteger(ms));
  return rest;
}

/** The error's code, message and details, without what differs each time. */
export function errorOf({ error }: Done): Record<string, unknown> {
  assert(error instanceof WorkError, String(error));
  const { duration_ms: _, ...details } = error.details;
  return { code: error.code, message: error.message, ...details };
}

/** Runs with a folder of its own, which is removed. */
export async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
