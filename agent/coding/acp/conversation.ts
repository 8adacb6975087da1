/**
 * A conversation with a coding agent: one ACP session, one turn at a time.
 *
 * | state      | holds                                                                             |
 * | ---------- | --------------------------------------------------------------------------------- |
 * | idle       | No turn. Updates are dropped: they replay history, or are about the session.      |
 * | running    | A prompt was sent and not answered. Updates go to the listener, and permission    |
 * |            | requests, whose signals are in `pending`.                                         |
 * | cancelling | `session/cancel` was sent, all of `pending` was aborted and answered `cancelled`, |
 * |            | and so is what the agent still asks. A timer waits for the turn's end: an agent   |
 * |            | that does not listen is ended.                                                    |
 *
 * @module
 */
import type * as acp from "@agentclientprotocol/sdk/unstable";
import type { Clock } from "../../clock.ts";
import { failureIn, type SessionFailure } from "./session_failure.ts";
import type { SessionModes } from "./session_info.ts";

/** Whom a conversation tells, and asks. */
export interface ConversationListener {
  /** What the agent says and does in a turn, in order. */
  update(update: acp.SessionUpdate): void;
  /**
   * Decides on a tool call that the agent asks about.
   *
   * @param signal Aborted when the answer is no longer wanted: `cancelled` was answered.
   */
  permission(
    request: acp.RequestPermissionRequest,
    signal: AbortSignal,
  ): Promise<acp.RequestPermissionOutcome> | acp.RequestPermissionOutcome;
  /** Decides on a file that the agent reads or writes through us; without it, all are allowed. */
  file?(access: "read" | "write", path: string): Promise<boolean> | boolean;
}

/** How a turn ended, as the agent says. */
export interface TurnEnd {
  readonly stopReason: acp.StopReason;
  /** What failed; an `end_turn` with one is no success. */
  readonly failure?: SessionFailure;
  readonly usage?: acp.Usage;
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** What a conversation needs of its adapter. */
export interface ConversationLine {
  readonly clock: Clock;
  /** How long the agent may take to end a cancelled turn, in milliseconds. */
  readonly cancelWaitMs: number;
  /** Sends a request. @throws AdapterError, and nothing else. */
  request<T>(method: string, params: unknown): Promise<T>;
  notify(method: string, params: unknown): void;
  /** The agent did not end its turn in time. */
  deaf(): void;
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly pending: Set<AbortController>; failure?: SessionFailure }
  | { readonly kind: "cancelling"; readonly callOff: () => void; failure?: SessionFailure };

const CANCELLED: acp.RequestPermissionOutcome = { outcome: "cancelled" };

/** What a conversation is made of. */
export interface ConversationOptions {
  readonly id: string;
  readonly line: ConversationLine;
  readonly listener: ConversationListener;
  readonly modes: SessionModes;
  readonly model?: string;
}

/** One ACP session: turns, cancelling, permissions. */
export class Conversation {
  /** The ACP session, for a later `session/load`. */
  readonly id: string;
  readonly modes: SessionModes;
  /** The model that the agent named, if it did. */
  readonly model: string | undefined;
  readonly #line: ConversationLine;
  readonly #listener: ConversationListener;
  #state: State = { kind: "idle" };

  constructor({ id, line, listener, modes, model }: ConversationOptions) {
    this.id = id;
    this.modes = modes;
    this.model = model;
    this.#line = line;
    this.#listener = listener;
  }

  /**
   * Sends a prompt and waits for the turn's end.
   *
   * @param signal Cancels the turn when it is aborted; the turn then mostly ends `cancelled`.
   * @throws {AdapterError} `closed` if the agent ended, `no_answer` if it was cancelled and did not
   * end its turn, `auth_required` or `request_failed` if it answered with an error.
   * @throws {Error} if a turn runs.
   */
  async prompt(text: string, signal?: AbortSignal): Promise<TurnEnd> {
    if (this.#state.kind !== "idle") throw new Error(`A turn of session ${this.id} runs already`);
    if (signal?.aborted) return { stopReason: "cancelled" };
    this.#state = { kind: "running", pending: new Set() };
    const cancel = () => this.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const { stopReason, usage, _meta } = await this.#line.request<acp.PromptResponse>(
        "session/prompt",
        { sessionId: this.id, prompt: [{ type: "text", text }] },
      );
      const failure = failureIn(_meta) ?? this.#failure;
      return {
        stopReason,
        ...(failure && { failure }),
        ...(usage && { usage }),
        ...(_meta && { meta: _meta }),
      };
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#endTurn();
    }
  }

  /** Cancels the turn that runs, if one does: `prompt` then resolves or rejects in bounded time. */
  cancel(): void {
    const state = this.#state;
    if (state.kind !== "running") return;
    const { clock, cancelWaitMs } = this.#line;
    const callOff = clock.after(cancelWaitMs, () => this.#line.deaf());
    this.#state = { kind: "cancelling", callOff, ...(state.failure && { failure: state.failure }) };
    this.#line.notify("session/cancel", { sessionId: this.id });
    for (const answer of state.pending) answer.abort();
  }

  /** The agent reports something. */
  update(update: acp.SessionUpdate): void {
    const state = this.#state;
    if (state.kind === "idle") return;
    const failure = failureIn(update._meta);
    if (failure?.severity === "error") state.failure = failure;
    this.#listener.update(update);
  }

  /** The agent asks for permission. @returns Always in bounded time after `cancel`. */
  async permission(request: acp.RequestPermissionRequest): Promise<acp.RequestPermissionOutcome> {
    const state = this.#state;
    if (state.kind !== "running") return CANCELLED;
    const answer = new AbortController();
    const aborted = Promise.withResolvers<acp.RequestPermissionOutcome>();
    answer.signal.addEventListener("abort", () => aborted.resolve(CANCELLED), { once: true });
    state.pending.add(answer);
    try {
      const decided = Promise.resolve(this.#listener.permission(request, answer.signal));
      return await Promise.race([decided, aborted.promise]);
    } finally {
      state.pending.delete(answer);
    }
  }

  /** Whether the agent may read or write a file through us now. */
  async mayUse(access: "read" | "write", path: string): Promise<boolean> {
    if (this.#state.kind === "idle") return false;
    return await this.#listener.file?.(access, path) ?? true;
  }

  get #failure(): SessionFailure | undefined {
    return this.#state.kind === "idle" ? undefined : this.#state.failure;
  }

  #endTurn(): void {
    const state = this.#state;
    if (state.kind === "cancelling") state.callOff();
    // Nobody answers what is still asked: the turn is over.
    if (state.kind === "running") { for (const answer of state.pending) answer.abort(); }
    this.#state = { kind: "idle" };
  }
}
