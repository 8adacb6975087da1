/**
 * A load process: one coding agent with one slot, which is told work and tells how long each step
 * took until its prompt was sent.
 *
 * @module
 */
import { messageOf } from "@ourocodus/protocol";
import { CodingAgent, type CodingOptions } from "../../agent/coding/mod.ts";
import { until } from "../../tests/support/until.ts";
import { commands, readPlan, tell } from "./parent.ts";
import { type Seen, seen, tapProcesses } from "./tapped_processes.ts";

/** What the process is told: do this. */
export interface WorkCommand {
  readonly sequence: number;
  readonly message: string;
}

/** From the call of the handler until the prompt was sent, in milliseconds. */
export interface PromptReport {
  readonly totalMs: number;
  /** Of these, until `session/new` and `session/set_mode` were answered: the agent's own. */
  readonly agentMs: number;
  /** Until git began to make the worktree; other git processes before it included. */
  readonly beforeMs: number;
  /** While git made the worktree, waiting for others' included. */
  readonly worktreeMs: number;
  /** From then on until `session/new` was sent. */
  readonly openMs: number;
  /** What is left: between the agent's answers and the prompt. */
  readonly promptMs: number;
  /** How many git processes this program started. */
  readonly gits: number;
  /** Why it was not done, if it was not. */
  readonly failure?: string;
}

const SLOW_MS = 120_000;

/** Waits for a process that waits for work: it has answered `initialize`, and nothing more. */
async function isWarm(): Promise<void> {
  await until(() => {
    const used = new Set(seen.filter(({ what }) => what === "session/new").map(({ pid }) => pid));
    return seen.some(({ what, event, pid }) =>
      what === "initialize" && event === "answered" && !used.has(pid)
    );
  }, { timeoutMs: SLOW_MS, message: "a coding agent that waits" });
}

function reportOf(from: number, events: readonly Seen[]): PromptReport {
  const at = (what: string, event: Seen["event"]) =>
    events.find((one) => one.what === what && one.event === event)?.atMs;
  const prompt = at("session/prompt", "sent") ?? NaN;
  const opened = at("session/new", "sent") ?? NaN;
  const took = (what: string) => (at(what, "answered") ?? 0) - (at(what, "sent") ?? 0);
  const agentMs = took("session/new") + took("session/set_mode");
  const gits = gitProcesses(events, "began").filter(({ atMs }) => atMs < prompt);
  const begun = at("git worktree add", "began") ?? opened;
  const last = gitProcesses(events, "ended").filter(({ atMs }) => atMs < opened).at(-1)?.atMs ??
    begun;
  return {
    totalMs: prompt - from,
    agentMs,
    beforeMs: begun - from,
    worktreeMs: last - begun,
    openMs: opened - last,
    promptMs: prompt - opened - agentMs,
    gits: gits.length,
  };
}

function gitProcesses(events: readonly Seen[], event: "began" | "ended"): Seen[] {
  return events.filter((one) => one.event === event && one.what.startsWith("git "));
}

/** What a work item's attempt is told, apart from the work itself. */
function contextOf(agentId: string) {
  const stored: Array<() => void> = [];
  return {
    stored: () => stored.forEach((listener) => listener()),
    context: {
      progress: () => {},
      ask: () => Promise.reject(new Error("nobody is asked")),
      onStored: (listener: () => void) => void stored.push(listener),
      attempt: 1,
      signal: new AbortController().signal,
      maxPayloadBytes: 1_000_000,
      session: "bench",
      role: "coder",
      agentId,
    },
  };
}

async function work(agent: CodingAgent, { sequence, message }: WorkCommand): Promise<PromptReport> {
  await isWarm();
  const { context, stored } = contextOf(`bench-${Deno.pid}`);
  const item = { id: `work-${sequence}`, type: "work", payload: { message } };
  const first = seen.length;
  const from = performance.now();
  let failure: string | undefined;
  try {
    const identity = { attempt: 1, sequence, key: `${sequence}.${Date.now()}`, message: item };
    await agent.handler({ ...item, ...identity }, context);
  } catch (error) {
    failure = messageOf(error);
  }
  const report = reportOf(from, seen.slice(first));
  stored();
  await until(() => gitProcesses(seen, "began").length === gitProcesses(seen, "ended").length, {
    timeoutMs: SLOW_MS,
    message: "git to have ended",
  });
  return { ...report, ...(failure !== undefined && { failure }) };
}

tapProcesses();
const options = readPlan<CodingOptions>();
await using agent = new CodingAgent({ ...options, inherited: Deno.env.toObject() });
await agent.start();
await isWarm();
tell({ ready: true });
for await (const command of commands<WorkCommand>()) tell(await work(agent, command));
