/**
 * An agent for tests, run as a process of its own: it does with a work item what its payload
 * says, and tells on stdout what it does. Its one argument is JSON, see {@linkcode AgentProgram}.
 *
 * @module
 */
import { RetryableError, serve, WorkError } from "@ourocodus/agent";
import { isObject } from "@ourocodus/protocol";

/** How to run the agent. */
export interface AgentProgram {
  /** One relay, or several with commas between them. */
  readonly relayUrl: string;
  readonly session: string;
  readonly role: string;
  readonly agentId?: string;
  readonly concurrency?: number;
  /** Speak the plain protocol, over a bare WebSocket, instead of using the SDK. */
  readonly plain?: boolean;
}

/** What a work item's payload may ask for. */
export interface Task {
  /** How long to work, in milliseconds; 0 by default. */
  readonly work_ms?: number;
  /**
   * How it ends; `answer` by default. `die` ends the process, the others from `retry` on release once or
   * twice.
   */
  readonly ends?: "answer" | "fail" | "die" | "retry" | "limited" | "not_accepted" | "snoozed";
  /** See PROTOCOL.md: for relays. */
  readonly deadline_ms?: number;
  readonly no_progress_ms?: number;
}

/** An attempt, as the agent sees it. */
interface Attempt {
  readonly id: string;
  /** Plain agents don't know it. */
  readonly attempt?: number;
  readonly payload: Task;
}

const BACKOFF = { backoffBaseMs: 100, backoffCapMs: 1_000 };
const RETRY_DELAY_MS = 100;
/** A plain agent that is told so by the relay must not come back. */
const FOR_GOOD = 4500;

function say(text: string): void {
  console.log(text);
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Works as long as it is asked to. @returns The result's payload. */
async function work(
  program: AgentProgram,
  { id, attempt, payload }: Attempt,
  signal?: AbortSignal,
): Promise<object> {
  say(`began ${id} attempt ${attempt ?? "?"}`);
  if (payload.ends === "die") Deno.exit(9);
  try {
    if (payload.work_ms) await pause(payload.work_ms, signal);
  } catch (error) {
    say(`aborted ${id}: ${(error as Error).message}`);
    throw error;
  }
  say(`finished ${id} attempt ${attempt ?? "?"}`);
  return { by: program.agentId, pid: Deno.pid, ...(attempt !== undefined && { attempt }) };
}

async function sdkAgent(program: AgentProgram): Promise<void> {
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  const { relayUrl, session, role, agentId, concurrency } = program;
  await serve({
    ...{ relayUrl, session, role, agentId, concurrency, ...BACKOFF, signal: stop.signal },
    onEvent: (event) => say(event.type),
  }, async (piece, context) => {
    const { attempt, signal } = context;
    const task = piece.payload as Task;
    const result = await work(program, { id: piece.id, attempt, payload: task }, signal);
    if (task.ends === "fail") throw new WorkError("asked", "it was asked to fail");
    if (releases(task) && attempt < 3) {
      throw new RetryableError("it was asked to", { delayMs: RETRY_DELAY_MS, reason: task.ends });
    }
    return result;
  });
}

/**
 * A plain agent, as somebody would write it who wants to lose nothing: it comes back under its
 * name, and sends again what it answered last, since nobody tells it what has arrived.
 */
class PlainAgent {
  readonly #program: AgentProgram;
  readonly #running = new Set<string>();
  readonly #retried = new Set<string>();
  #last: string[] = [];
  #socket: WebSocket | undefined;

  constructor(program: AgentProgram) {
    this.#program = program;
  }

  async run(): Promise<void> {
    while (true) {
      const code = await this.#connection();
      say(`disconnected ${code}`);
      if (code >= FOR_GOOD) return;
      await pause(50 + Math.random() * 250);
    }
  }

  #connection(): Promise<number> {
    const { session, role, agentId, concurrency = 1, relayUrl } = this.#program;
    const query = new URLSearchParams({ session_id: session, role, concurrency: `${concurrency}` });
    if (agentId !== undefined) query.set("agent_id", agentId);
    const urls = relayUrl.split(",");
    const url = urls[Math.floor(Math.random() * urls.length)];
    const socket = new WebSocket(`${url}/agent?${query}`);
    return new Promise((resolve) => {
      socket.onopen = () => {
        say("connected");
        this.#socket = socket;
        if (agentId !== undefined) { for (const text of this.#last) socket.send(text); }
        // Without a name it is somebody else now, and what it had is handed out again.
        else this.#running.clear();
      };
      socket.onmessage = ({ data }) => void this.#work(JSON.parse(data));
      socket.onerror = (event) => event.preventDefault();
      socket.onclose = ({ code }) => {
        if (this.#socket === socket) this.#socket = undefined;
        resolve(code);
      };
    });
  }

  async #work(message: Attempt): Promise<void> {
    const { id, payload: task } = message;
    if (this.#running.has(id)) return;
    this.#running.add(id);
    const result = await work(this.#program, message);
    this.#running.delete(id);
    const retry = releases(task) && !this.#retried.has(id);
    if (retry) this.#retried.add(id);
    const type = retry ? "retry" : task.ends === "fail" ? "error" : "result";
    const payload = retry ? { reason: task.ends } : result;
    this.#answer(JSON.stringify({ id, type, payload }));
  }

  #answer(text: string): void {
    this.#last.push(text);
    this.#last = this.#last.slice(-(this.#program.concurrency ?? 1));
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }
}

function releases({ ends }: Task): boolean {
  return ends !== undefined && !["answer", "fail", "die"].includes(ends);
}

if (import.meta.main) {
  const program: unknown = JSON.parse(Deno.args[0] ?? "{}");
  if (!isObject(program)) throw new TypeError("the argument must be a JSON object");
  const agent = program as unknown as AgentProgram;
  if (agent.plain) {
    await new PlainAgent(agent).run();
    Deno.exit(0);
  }
  await sdkAgent(agent);
}
