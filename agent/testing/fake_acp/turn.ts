/**
 * One turn of the fake agent: follows the steps of a script. The language is described at the top
 * of `fake_acp_agent.ts`.
 *
 * @module
 */
import * as acp from "@agentclientprotocol/sdk/unstable";
import { dirname, resolve } from "node:path";
import type { Memory } from "./memory.ts";
import type { Step } from "./script.ts";

/** What a turn needs. */
export interface TurnOptions {
  readonly memory: Memory;
  readonly client: acp.AgentContext;
  /** Aborted by `session/cancel`. */
  readonly signal: AbortSignal;
  /** Called before each step, so that a killed process remembers what had begun. */
  readonly save: () => void;
  /** Whether a command that runs outlives `session/cancel`. */
  readonly leavesCommands: boolean;
  /** Writes bytes on standard output that are no message. */
  readonly raw: (bytes: Uint8Array) => Promise<void>;
}

/** The client cancelled the turn, and the step that ran has noticed. */
class Cancelled extends Error {}

interface Tool {
  readonly kind: acp.ToolKind;
  readonly title: string;
  readonly path?: string;
  readonly rawInput?: Record<string, unknown>;
  /** Done once it is allowed. @returns What the tool call's update has besides its status. */
  act(): Promise<Partial<acp.ToolCallUpdate>> | Partial<acp.ToolCallUpdate>;
}

const ALLOW_OR_REJECT: readonly string[] = ["allow_once", "allow_always", "reject_once"];
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Follows the steps that have not begun. */
export class FakeTurn {
  readonly #options: TurnOptions;
  #messageId = "";
  #usage: acp.Usage | undefined;
  /** From `ask`, for the next tool: the kinds of options; `undefined`: does not ask. */
  #asks: readonly string[] | undefined;
  /** From `rejected`: what a rejected permission does to the turn. */
  #rejected = "goes_on";

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  async run(): Promise<acp.PromptResponse> {
    const { memory, save, signal } = this.#options;
    try {
      while (memory.begun < memory.steps.length) {
        if (signal.aborted) throw new Cancelled();
        const step = memory.steps[memory.begun++];
        save();
        const end = step && await this.#step(step);
        if (end) return { ...end, ...(this.#usage && { usage: this.#usage }) };
      }
      return { stopReason: "end_turn", ...(this.#usage && { usage: this.#usage }) };
    } catch (error) {
      if (error instanceof Cancelled) return { stopReason: "cancelled" };
      throw error;
    }
  }

  /** @returns The turn's end, if this step ends it. */
  async #step([verb, ...args]: Step): Promise<acp.PromptResponse | void> {
    const [first = "", second = "", third = "", fourth = ""] = args;
    switch (verb) {
      case "say":
        this.#messageId = crypto.randomUUID();
        return await this.#say(first);
      case "more":
        return await this.#say(first);
      case "plain":
        this.#messageId = "";
        return await this.#say(first);
      case "trickle":
        return await this.#trickle(first, Number(second), Number(third));
      case "think":
        return await this.#update({
          sessionUpdate: "agent_thought_chunk",
          content: { type: "text", text: first },
        });
      case "env":
        return await this.#step(["say", Deno.env.get(first) ?? ""]);
      case "cwd":
        return await this.#step(["say", this.#options.memory.cwd]);
      case "plan":
        return await this.#update({
          sessionUpdate: "plan",
          entries: args.map((content) => ({ content, priority: "medium", status: "pending" })),
        });
      case "usage":
        return await this.#update({
          sessionUpdate: "usage_update",
          used: Number(first),
          size: Number(second),
          ...(third && { cost: { amount: Number(third), currency: fourth || "USD" } }),
        });
      case "tokens":
        this.#usage = {
          inputTokens: Number(first),
          outputTokens: Number(second),
          cachedReadTokens: Number(third),
          totalTokens: Number(first) + Number(second) + Number(third),
        };
        return;
      case "ask":
        this.#asks = args.length > 0 ? args : ALLOW_OR_REJECT;
        return;
      case "rejected":
        this.#rejected = first;
        return;
      case "tool":
      case "write":
      case "edit":
      case "delete":
      case "read":
      case "run":
      case "orphan":
      case "fswrite":
      case "fsread":
        return await this.#use(this.#tool(verb, args));
      case "request":
        return await this.#requestOfClient(first, JSON.parse(second || "{}"));
      case "notify":
        return await this.#options.client.notify(first, JSON.parse(second || "{}"));
      case "update":
        return await this.#update(JSON.parse(first));
      case "warn":
        return await this.#update({
          sessionUpdate: "session_info_update",
          _meta: failure(first, "warning", second, args.slice(2)),
        });
      case "stop":
        return { stopReason: first as acp.StopReason };
      case "end":
        return { stopReason: "end_turn" };
      case "failure":
        return { stopReason: "end_turn", _meta: failure(first, second, third, args.slice(3)) };
      case "error":
        throw new acp.RequestError(
          Number(first),
          second || "failed",
          third === "" ? undefined : JSON.parse(third),
        );
      case "slow":
        return await this.#wait(Number(first));
      case "hang":
        return await this.#wait(undefined);
      case "deaf":
        return await forever();
      case "die":
        return die(first);
      case "close":
        await this.#options.raw(new Uint8Array());
        closeOutput();
        return await forever();
      case "garbage":
        return await this.#options.raw(bytesOf(`${first}\n`));
      case "huge":
        return await this.#huge(Number(first));
      case "stderr":
        return void await Deno.stderr.write(bytesOf(`${first}\n`));
      default:
        throw acp.RequestError.invalidParams({ verb }, `FAKE: has no step "${verb}"`);
    }
  }

  async #update(update: acp.SessionUpdate): Promise<void> {
    const { client, memory } = this.#options;
    await client.notify("session/update", { sessionId: memory.id, update });
  }

  async #say(text: string): Promise<void> {
    this.#options.memory.history.push({ from: "agent", text });
    await this.#chunk(text);
  }

  async #chunk(text: string): Promise<void> {
    await this.#update({
      sessionUpdate: "agent_message_chunk",
      content: { type: "text", text },
      ...(this.#messageId && { messageId: this.#messageId }),
    });
  }

  async #trickle(text: string, pieces: number, ms: number): Promise<void> {
    this.#messageId = crypto.randomUUID();
    const length = Math.ceil(text.length / (pieces || 1));
    for (let at = 0; at < text.length; at += length) {
      await this.#chunk(text.slice(at, at + length));
      await this.#wait(ms || 0);
    }
    this.#options.memory.history.push({ from: "agent", text });
  }

  async #use(tool: Tool): Promise<void> {
    const toolCallId = crypto.randomUUID();
    const call = {
      toolCallId,
      title: tool.title,
      kind: tool.kind,
      ...(tool.path && { locations: [{ path: tool.path }] }),
      ...(tool.rawInput && { rawInput: tool.rawInput }),
    };
    await this.#update({ sessionUpdate: "tool_call", status: "pending", ...call });
    const update = (more: Partial<acp.ToolCallUpdate>) =>
      this.#update({ sessionUpdate: "tool_call_update", toolCallId, ...more });
    const kinds = this.#asks;
    this.#asks = undefined;
    if (kinds !== undefined && !await this.#allowed(call, kinds)) {
      await update({ status: "failed", content: textContent("rejected") });
      if (this.#options.signal.aborted) throw new Cancelled();
      if (this.#rejected === "cancelled") throw new Cancelled();
      if (this.#rejected === "end") this.#options.memory.begun = Infinity;
      return;
    }
    await update({ status: "in_progress" });
    try {
      await update({ status: "completed", ...await tool.act() });
    } catch (error) {
      await update({ status: "failed", content: textContent(String(error)) });
      if (error instanceof Cancelled) throw error;
    }
    this.#options.memory.history.push({ from: "tool", text: tool.title });
  }

  async #allowed(toolCall: acp.ToolCallUpdate, kinds: readonly string[]): Promise<boolean> {
    const { client, memory } = this.#options;
    const options = kinds.map((kind) => ({
      optionId: `the-${kind}`,
      name: kind,
      kind: kind as acp.PermissionOptionKind,
    }));
    const request: acp.RequestPermissionRequest = { sessionId: memory.id, toolCall, options };
    const { outcome } = await client.request("session/request_permission", request);
    return outcome.outcome === "selected" && outcome.optionId.startsWith("the-allow");
  }

  #tool(verb: string, [first = "", second = "", third = ""]: readonly string[]): Tool {
    const { memory } = this.#options;
    const path = resolve(memory.cwd, first);
    switch (verb) {
      case "tool":
        return {
          kind: first as acp.ToolKind,
          title: second,
          act: () => ({ status: third === "failed" ? "failed" : "completed" }),
        };
      case "write":
      case "edit":
        return {
          kind: "edit",
          title: `${verb} ${first}`,
          path,
          act: () => change(verb, path, second, third),
        };
      case "delete":
        return {
          kind: "delete",
          title: `delete ${first}`,
          path,
          act: () => (Deno.removeSync(path), {}),
        };
      case "read":
        return {
          kind: "read",
          title: `read ${first}`,
          path,
          act: () => ({ content: textContent(Deno.readTextFileSync(path)) }),
        };
      case "run":
        return {
          kind: "execute",
          title: `\`${first}\``,
          rawInput: { command: first },
          act: () => this.#run(first),
        };
      case "orphan":
        return {
          kind: "execute",
          title: `\`${first}\``,
          rawInput: { command: first },
          act: () => (startCommand(first, memory.cwd, "null").unref(), {}),
        };
      case "fswrite":
        return {
          kind: "edit",
          title: `write ${first} through the client`,
          path,
          act: () =>
            this.#askClient("fs/write_text_file", { path: given(first, path), content: second }),
        };
      default:
        return {
          kind: "read",
          title: `read ${first} through the client`,
          path,
          act: () => this.#askClient("fs/read_text_file", { path: given(first, path) }),
        };
    }
  }

  async #askClient(method: string, params: Record<string, unknown>) {
    const { client, memory } = this.#options;
    const answer = await client.request(method, { sessionId: memory.id, ...params });
    return { content: textContent(JSON.stringify(answer)) };
  }

  async #requestOfClient(method: string, params: Record<string, unknown>): Promise<void> {
    const said = await this.#options.client.request(method, params).then(
      (result) => JSON.stringify(result),
      (error) => `${error.code} ${error.message}`,
    );
    await this.#step(["say", said]);
  }

  async #run(command: string): Promise<Partial<acp.ToolCallUpdate>> {
    const { signal, memory, leavesCommands } = this.#options;
    if (signal.aborted) throw new Cancelled();
    const child = startCommand(command, memory.cwd, "piped");
    const kill = () => {
      if (!leavesCommands) Deno.kill(-child.pid, "SIGKILL");
    };
    signal.addEventListener("abort", kill);
    const gone = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => gone.reject(new Cancelled()));
    try {
      const { code, stdout } = await Promise.race([child.output(), gone.promise]);
      const text = new TextDecoder().decode(stdout);
      return {
        status: code === 0 ? "completed" : "failed",
        content: textContent(text),
        rawOutput: { exitCode: code },
      };
    } finally {
      signal.removeEventListener("abort", kill);
    }
  }

  async #wait(ms: number | undefined): Promise<void> {
    const { signal } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = ms === undefined ? setInterval(() => {}, 1e9) : setTimeout(resolve, ms);
    const stop = () => reject(new Cancelled());
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }

  async #huge(bytes: number): Promise<void> {
    const piece = new Uint8Array(1 << 20).fill(0x61);
    await this.#options.raw(bytesOf('{"jsonrpc":"2.0","method":"x","params":{"text":"'));
    for (let left = bytes; left > 0; left -= piece.length) {
      await this.#options.raw(piece.subarray(0, Math.min(left, piece.length)));
    }
    await this.#options.raw(bytesOf('"}}\n'));
  }
}

/** A path that is meant to be seen as it was written, for what climbs out of the folder. */
function given(written: string, whole: string): string {
  return written.startsWith("=") ? written.slice(1) : whole;
}

function textContent(text: string): acp.ToolCallContent[] {
  return [{ type: "content", content: { type: "text", text } }];
}

function change(
  verb: string,
  path: string,
  second: string,
  third: string,
): Partial<acp.ToolCallUpdate> {
  const before = verb === "edit" ? Deno.readTextFileSync(path) : null;
  const newText = before === null ? second : before.replace(second, () => third);
  Deno.mkdirSync(dirname(path), { recursive: true });
  Deno.writeTextFileSync(path, newText);
  return { content: [{ type: "diff", path, oldText: before, newText }] };
}

/** In a session of its own, as real agents do: it is not in the agent's process group. */
function startCommand(command: string, cwd: string, output: "piped" | "null"): Deno.ChildProcess {
  return new Deno.Command("setsid", {
    args: ["sh", "-c", command],
    cwd,
    stdin: "null",
    stdout: output,
    stderr: output,
  }).spawn();
}

function failure(category: string, severity: string, title: string, actions: readonly string[]) {
  return { jetbrains: { air: { sessionFailure: { category, severity, title, actions } } } };
}

/** Closes standard output for certain, on Linux: the runtime's own `close` leaves copies of it open. */
function closeOutput(): void {
  const folder = "/proc/self/fd";
  const output = Deno.readLinkSync(`${folder}/1`);
  const signature = { parameters: ["i32"], result: "i32" } as const;
  const { close } = Deno.dlopen("libc.so.6", { close: signature }).symbols;
  for (const { name } of [...Deno.readDirSync(folder)]) {
    try {
      if (Deno.readLinkSync(`${folder}/${name}`) === output) close(Number(name));
    } catch {
      // It was the folder's own.
    }
  }
}

/** Never; keeps the process alive. */
export function forever(): Promise<never> {
  return new Promise(() => void setInterval(() => {}, 1e9));
}

/** Ends this process: by a signal, or with an exit code. */
export function die(how: string): never {
  if (how.startsWith("SIG")) {
    Deno.kill(Deno.pid, how as Deno.Signal);
    while (true); // The signal comes.
  }
  Deno.exit(Number(how || 1));
}
