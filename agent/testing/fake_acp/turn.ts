/**
 * One turn of the fake agent: follows the steps of a script. The language is described at the top
 * of `fake_acp_agent.ts`.
 *
 * @module
 */
import * as acp from "@agentclientprotocol/sdk/unstable";
import { closeOutput, die, forever } from "./ends.ts";
import type { Step } from "./script.ts";
import { Cancelled, textContent, type Tool, toolFor, type ToolOptions } from "./tools.ts";

/** What a turn needs. */
export interface TurnOptions extends ToolOptions {
  /** Called before each step, so that a killed process remembers what had begun. */
  readonly save: () => void;
  /** Writes bytes on standard output that are no message. */
  readonly raw: (bytes: Uint8Array) => Promise<void>;
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
        return await this.#use(toolFor(verb, args, this.#options));
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

  async #requestOfClient(method: string, params: Record<string, unknown>): Promise<void> {
    const said = await this.#options.client.request(method, params).then(
      (result) => JSON.stringify(result),
      (error) => `${error.code} ${error.message}`,
    );
    await this.#step(["say", said]);
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

function failure(category: string, severity: string, title: string, actions: readonly string[]) {
  return { jetbrains: { air: { sessionFailure: { category, severity, title, actions } } } };
}
