/**
 * A coding agent's process, from its start to its one conversation.
 *
 * | state    | holds                                                                               |
 * | -------- | ----------------------------------------------------------------------------------- |
 * | starting | The process runs; `initialize` was sent. A timer ends it if it does not answer.     |
 * | ready    | `initialize` was answered by the program that the preset expects. No session.       |
 * | opening  | `session/new` or `session/load` was sent, and the mode is set after it. A timer     |
 * |          | ends it if it does not answer. A session that cannot be opened leads back to        |
 * |          | `ready`.                                                                            |
 * | open     | There is one conversation, until the end.                                           |
 * | ended    | The process has ended or is being ended; everything that waits was rejected.        |
 *
 * Every timer belongs to the state that set it, and leaving the state calls it off.
 *
 * @module
 */
import * as acp from "@agentclientprotocol/sdk/unstable";
import { AcpProcess, type AcpProcessOptions } from "./acp_process.ts";
import {
  type AgentInfo,
  agentInfoIn,
  type AuthStatus,
  authStatusIn,
  wrongAgent,
} from "./agent_info.ts";
import { readForAgent, writeForAgent } from "./client_files.ts";
import { Conversation, type ConversationListener } from "./conversation.ts";
import { AdapterError, CannotLoad } from "./errors.ts";
import { FAILURE_EXTENSION } from "./session_failure.ts";
import { modelIn, modesIn } from "./session_info.ts";
import { sessionUpdateIn } from "./session_update.ts";

/** Options of {@linkcode Adapter.start}. */
export interface AdapterOptions extends AcpProcessOptions {
  /** How long `initialize`, and opening a session, may take, in milliseconds; 30 000 by default. */
  readonly startTimeoutMs?: number;
  /** How long a cancelled turn may take to end, in milliseconds; 5 000 by default. */
  readonly cancelWaitMs?: number;
}

/** Options of {@linkcode Adapter.open}. */
export interface OpenOptions {
  readonly listener: ConversationListener;
  /** A session of an earlier process to go on with; a new one by default. */
  readonly load?: string;
  /** The mode to set, after a load too: Codex forgets it. */
  readonly mode?: string;
  /** `_meta` of the request. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

type State =
  | { readonly kind: "starting"; readonly callOff: () => void }
  | { readonly kind: "ready" }
  | { readonly kind: "opening"; readonly callOff: () => void }
  | { readonly kind: "open"; readonly conversation: Conversation }
  | { readonly kind: "ended" };

const WHEN: Readonly<Record<State["kind"], string>> = {
  starting: "during initialize",
  ready: "before it was used",
  opening: "while it opened a session",
  open: "in a conversation",
  ended: "",
};

const DEFAULT_START_TIMEOUT_MS = 30_000;
const DEFAULT_CANCEL_WAIT_MS = 5_000;

/** A coding agent's process, for one conversation. */
export class Adapter {
  readonly #options: AdapterOptions;
  readonly #process: AcpProcess;
  readonly #ready: Promise<AgentInfo>;
  #state: State;
  #authStatus: AuthStatus | undefined;

  /**
   * Starts the process and says `initialize` to it.
   *
   * @throws {AdapterError} `start_failed` if the system does not run the program.
   */
  static start(options: AdapterOptions): Adapter {
    return new Adapter(options);
  }

  private constructor(options: AdapterOptions) {
    this.#options = options;
    this.#process = new AcpProcess(options, {
      client: this.#client(),
      take: (message) => this.#take(message),
      when: () => WHEN[this.#state.kind],
      onEnd: () => this.#enter({ kind: "ended" }),
    });
    this.#state = { kind: "starting", callOff: this.#deadline("initialize") };
    this.#ready = this.#initialize();
    this.#ready.catch(() => {}); // `ready()` rejects with it.
  }

  /** Settles when the process and everything that it has started has ended. */
  get ended(): Promise<void> {
    return this.#process.ended;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Which account it says that it uses, if it does; known when a session is open. */
  get authStatus(): AuthStatus | undefined {
    return this.#authStatus;
  }

  /** The end of what it has said on standard error. */
  get stderrTail(): string {
    return this.#process.stderrTail;
  }

  /**
   * Waits until it can open a conversation.
   *
   * @throws {AdapterError} `no_answer`, `closed`, `start_failed` or `auth_required`.
   */
  async ready(): Promise<AgentInfo> {
    return await this.#ready;
  }

  /**
   * Opens the one conversation that this process is for.
   *
   * @throws {CannotLoad} if the agent does not offer to load, or does not know the session; another
   * may then be opened.
   * @throws {AdapterError} as `ready`, and `no_mode` or `request_failed`.
   */
  async open(options: OpenOptions): Promise<Conversation> {
    const info = await this.#ready;
    const { preset } = this.#options;
    const { kind } = this.#state;
    if (kind === "opening" || kind === "open") throw new Error("An adapter has one conversation");
    if (options.load !== undefined && !(info.loads && preset.loads)) {
      throw new CannotLoad(`${preset.title} ${info.version} cannot load a session`);
    }
    const method = options.load === undefined ? "session/new" : "session/load";
    if (kind === "ready") this.#enter({ kind: "opening", callOff: this.#deadline(method) });
    try {
      const conversation = await this.#open(method, info, options);
      if (this.#process.error !== undefined) throw this.#process.error;
      this.#enter({ kind: "open", conversation });
      return conversation;
    } catch (error) {
      this.#mayOpenAgain();
      const unknown = error instanceof AdapterError && error.code === "request_failed" &&
        error.method === "session/load";
      if (unknown) throw new CannotLoad(error.message, { cause: error });
      throw error;
    }
  }

  /** Ends the process and everything that it has started; what waits is rejected, `closed`. */
  async end(): Promise<void> {
    this.#process.fail("closed", `${this.#options.preset.title} was ended`);
    await this.ended;
  }

  #client(): acp.ClientApp {
    const client = acp.client({ name: "ourocodus" })
      .onRequest("session/request_permission", async ({ params }) => {
        const conversation = this.#conversation(params.sessionId);
        return { outcome: await conversation?.permission(params) ?? { outcome: "cancelled" } };
      });
    if (!this.#options.preset.writesThroughClient) return client;
    const { folder } = this.#options;
    return client
      .onRequest("fs/write_text_file", async ({ params }) => {
        await this.#allowFile("write", params);
        await writeForAgent(folder, params);
        return {};
      })
      .onRequest("fs/read_text_file", async ({ params }) => {
        await this.#allowFile("read", params);
        return await readForAgent(folder, params);
      });
  }

  /**
   * Takes what the agent reports, at once: through the SDK, version 2.4, the answer to a prompt can
   * overtake the last update before it, and an update with one strange field is refused.
   */
  #take(message: acp.AnyMessage): boolean {
    if (!("method" in message) || "id" in message) return false;
    if (message.method === "_auth/status_update") {
      this.#authStatus = authStatusIn(message.params) ?? this.#authStatus;
      return true;
    }
    if (message.method !== "session/update") return false;
    const read = sessionUpdateIn(message.params);
    if (read !== undefined) this.#conversation(read.sessionId)?.update(read.update);
    return true;
  }

  async #allowFile(
    access: "read" | "write",
    { sessionId, path }: { readonly sessionId: string; readonly path: string },
  ): Promise<void> {
    if (await this.#conversation(sessionId)?.mayUse(access, path)) return;
    throw acp.RequestError.invalidParams({ path }, `not allowed to ${access} ${path}`);
  }

  #conversation(sessionId: string): Conversation | undefined {
    const state = this.#state;
    if (state.kind !== "open" || state.conversation.id !== sessionId) return undefined;
    return state.conversation;
  }

  async #initialize(): Promise<AgentInfo> {
    const method = "initialize";
    const { preset } = this.#options;
    const answer = await this.#process.request<acp.InitializeResponse>(method, {
      protocolVersion: acp.PROTOCOL_VERSION,
      clientInfo: { name: "ourocodus", version: "1" },
      clientCapabilities: {
        fs: { readTextFile: false, writeTextFile: false },
        terminal: false,
        _meta: FAILURE_EXTENSION,
      },
    }).catch((error: AdapterError) => {
      const { code, message } = error;
      const refused = code === "request_failed" ? "start_failed" : code;
      throw this.#process.fail(refused, message, { method, cause: error, quote: true });
    });
    const wrong = wrongAgent(preset, answer);
    if (wrong !== undefined) throw this.#process.fail("start_failed", wrong, { method });
    if (this.#state.kind === "starting") this.#enter({ kind: "ready" });
    return agentInfoIn(answer);
  }

  async #open(method: string, info: AgentInfo, options: OpenOptions): Promise<Conversation> {
    const { listener, load, mode, meta } = options;
    const { preset, clock, folder, cancelWaitMs = DEFAULT_CANCEL_WAIT_MS } = this.#options;
    const params = {
      ...(load !== undefined && { sessionId: load }),
      cwd: folder,
      mcpServers: [],
      ...(meta && { _meta: meta }),
    };
    const ask = () => this.#process.request<acp.NewSessionResponse>(method, params);
    const opened = await ask().catch(async (error: AdapterError) => {
      if (error.code !== "auth_required" || !await this.#logInByKey(info)) throw error;
      return await ask();
    });
    const id = load ?? opened?.sessionId;
    if (typeof id !== "string" || id === "") {
      const message = `${preset.title} answered ${method} without a session id`;
      throw new AdapterError("request_failed", message, { method });
    }
    const modes = modesIn(opened);
    if (mode !== undefined) await this.#setMode(id, mode, modes.available);
    const line = {
      clock,
      cancelWaitMs,
      request: <T>(method: string, params: unknown) => this.#process.request<T>(method, params),
      notify: (method: string, params: unknown) => this.#process.notify(method, params),
      deaf: () => {
        const message = `${preset.title} did not end a cancelled turn within ${cancelWaitMs} ms`;
        this.#process.fail("no_answer", message, { method: "session/cancel" });
      },
    };
    return new Conversation({ id, line, listener, modes, ...modelIn(opened) });
  }

  /**
   * Has an agent that wants a login use the key in its environment. Codex then keeps the key in its
   * home.
   *
   * @returns Whether there was one.
   */
  async #logInByKey({ authMethods }: AgentInfo): Promise<boolean> {
    const { preset, env } = this.#options;
    const found = Object.entries(preset.login.methods ?? {}).find(([variable, method]) =>
      env[variable] && authMethods.some(({ id }) => id === method)
    );
    if (found !== undefined) await this.#process.request("authenticate", { methodId: found[1] });
    return found !== undefined;
  }

  async #setMode(sessionId: string, modeId: string, available: readonly string[]): Promise<void> {
    const method = "session/set_mode";
    if (!available.includes(modeId)) {
      const offered = available.join(", ") || "none";
      const { title } = this.#options.preset;
      const message = `${title} does not offer the mode "${modeId}", only ${offered}`;
      throw new AdapterError("no_mode", message, { method });
    }
    await this.#process.request(method, { sessionId, modeId });
  }

  #mayOpenAgain(): void {
    if (this.#state.kind === "opening") this.#enter({ kind: "ready" });
  }

  #deadline(method: string): () => void {
    const { preset, clock, startTimeoutMs = DEFAULT_START_TIMEOUT_MS } = this.#options;
    return clock.after(startTimeoutMs, () => {
      const message = `${preset.title} did not answer ${method} within ${startTimeoutMs} ms`;
      this.#process.fail("no_answer", message, { method, quote: true });
    });
  }

  #enter(state: State): void {
    if ("callOff" in this.#state) this.#state.callOff();
    this.#state = state;
  }
}
