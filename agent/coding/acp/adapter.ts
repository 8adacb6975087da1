/**
 * A coding agent's process that speaks ACP: started before there is work, used for one conversation,
 * ended with everything that it has started.
 *
 * | state    | holds                                                                               |
 * | -------- | ----------------------------------------------------------------------------------- |
 * | starting | The process runs; `initialize` was sent. A timer ends it if it does not answer.     |
 * | ready    | `initialize` was answered by the program that the preset expects. No session.       |
 * | opening  | `session/new` or `session/load` was sent, and the mode is set after it. A timer     |
 * |          | ends it if it does not answer. A load that fails leads back to `ready`.             |
 * | open     | There is one conversation, until the end.                                           |
 * | ended    | The process has ended or is being ended; `error` says why. Everything that waits is |
 * |          | rejected with it, and so is everything that is asked from now on.                   |
 *
 * Invariants:
 * 1. Nothing waits longer than the agent lives. The end is seen by the process' end or by its
 *    output's, the earlier: an orphan can hold the output open, and a process can live on mute.
 * 2. Why it ended is one error for all that wait. The SDK rejects what is pending as soon as the
 *    output ends, a moment before the process is known to have ended; that is never shown.
 * 3. Every timer belongs to the state that set it, and leaving the state calls it off.
 *
 * @module
 */
import * as acp from "@agentclientprotocol/sdk/unstable";
import { messageOf } from "@ourocodus/bus";
import type { Clock } from "../../clock.ts";
import { bwrapCommand, type Keeper, StdioProcess } from "../../processes/mod.ts";
import { type AgentInfo, agentInfoIn, wrongAgent } from "./agent_info.ts";
import { readForAgent, writeForAgent } from "./client_files.ts";
import { Conversation, type ConversationListener, type SessionModes } from "./conversation.ts";
import { AdapterError, type AdapterErrorCode, CannotLoad, requestError } from "./errors.ts";
import { FAILURE_EXTENSION } from "./failure.ts";
import { LineTooLong, messageStream } from "./message_stream.ts";
import type { Preset } from "./presets.ts";
import { sessionUpdateIn } from "./session_update.ts";

/** Options of {@linkcode Adapter.start}. */
export interface AdapterOptions {
  readonly preset: Preset;
  /** The program, as an absolute path, and its arguments. */
  readonly command: readonly string[];
  /** Its whole environment, except the mark. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder it runs in and works on, as an absolute path; may be empty until `open`. */
  readonly folder: string;
  /** What its processes are found by. */
  readonly mark: string;
  /** Bubblewrap, and what may be written to besides the folder. */
  readonly sandbox?: { readonly program: string; readonly writable: readonly string[] };
  readonly clock: Clock;
  readonly keeper?: Keeper;
  /** How long `initialize`, and opening a session, may take, in milliseconds; 30 000 by default. */
  readonly startTimeoutMs?: number;
  /** How long a cancelled turn may take to end, in milliseconds; 5 000 by default. */
  readonly cancelWaitMs?: number;
  /** How long after SIGTERM SIGKILL comes, in milliseconds; 2 000 by default. */
  readonly endGraceMs?: number;
  /** The longest line that it may write, in bytes; 64 MiB by default. */
  readonly maxLineBytes?: number;
  /** Told what it prints on standard output between its messages. */
  readonly onNoise?: (text: string) => void;
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
  | { readonly kind: "ready"; readonly info: AgentInfo }
  | { readonly kind: "opening"; readonly info: AgentInfo; readonly callOff: () => void }
  | { readonly kind: "open"; readonly info: AgentInfo; readonly conversation: Conversation }
  | { readonly kind: "ended"; readonly error: AdapterError };

const DURING: Readonly<Record<State["kind"], string>> = {
  starting: "during initialize",
  ready: "before it was used",
  opening: "while it opened a session",
  open: "in a conversation",
  ended: "",
};

/** How long after the process' end its last messages may still come, in milliseconds. */
const LAST_MESSAGES_MS = 500;
/** How long after its output's end a process may take to end, in milliseconds. */
const MUTE_MS = 1_000;

/** See the top of the file. */
export class Adapter {
  readonly #options:
    & Required<
      Pick<AdapterOptions, "startTimeoutMs" | "cancelWaitMs" | "endGraceMs" | "maxLineBytes">
    >
    & AdapterOptions;
  readonly #process: StdioProcess;
  readonly #connection: acp.ClientConnection;
  /** Rejected at the end; everything that waits races with it. */
  readonly #death = Promise.withResolvers<never>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #ready: Promise<AgentInfo>;
  #state: State;

  /**
   * Starts the process, and the conversation's beginnings.
   *
   * @throws {AdapterError} `start_failed` if the system does not run the program.
   */
  static start(options: AdapterOptions): Adapter {
    return new Adapter(options);
  }

  private constructor(options: AdapterOptions) {
    this.#options = {
      startTimeoutMs: 30_000,
      cancelWaitMs: 5_000,
      endGraceMs: 2_000,
      maxLineBytes: 64 * 1024 * 1024,
      ...withoutUndefined(options),
    };
    this.#death.promise.catch(() => {});
    this.#process = startProcess(options);
    this.#connection = this.#client().connect(
      messageStream(this.#process.stdin, this.#process.stdout, this.#options),
    );
    this.#state = { kind: "starting", callOff: this.#deadline("initialize") };
    void this.#watch();
    this.#ready = this.#initialize();
    this.#ready.catch(() => {});
  }

  /** Settles when the process and everything with its mark has ended. */
  get ended(): Promise<void> {
    return this.#gone.promise;
  }

  /** The process of the adapter itself. */
  get pid(): number {
    return this.#process.pid;
  }

  /** The end of what it has said on standard error. */
  get stderrTail(): string {
    return this.#process.stderrTail();
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
    if (this.#state.kind === "ended") throw this.#state.error;
    if (this.#state.kind !== "ready") throw new Error("An adapter is for one conversation");
    const { preset } = this.#options;
    if (options.load !== undefined && !(info.loads && preset.loads)) {
      throw new CannotLoad(`${preset.title} ${info.version} cannot load a session`);
    }
    const method = options.load === undefined ? "session/new" : "session/load";
    this.#enter({ kind: "opening", info, callOff: this.#deadline(method) });
    try {
      const conversation = await this.#open(method, options);
      this.#enter({ kind: "open", info, conversation });
      return conversation;
    } catch (error) {
      this.#mayOpenAgain(info);
      const unknown = error instanceof AdapterError && error.code === "request_failed" &&
        error.method === "session/load";
      if (unknown) throw new CannotLoad(error.message, { cause: error });
      throw error;
    }
  }

  /** Ends the process and everything that it has started. */
  async end(): Promise<void> {
    this.#end("closed", `${this.#options.preset.title} was ended`);
    await this.ended;
  }

  #client(): acp.ClientApp {
    const client = acp.client({ name: "ourocodus" })
      // The first handler is called at once; through a later one, the answer to a prompt could
      // overtake the last update before it.
      .onNotification("session/update", sessionUpdateIn, ({ params }) => {
        const conversation = this.#conversation(params?.sessionId);
        if (params !== undefined) conversation?.update(params.update);
      })
      .onRequest("session/request_permission", async ({ params }) => {
        const conversation = this.#conversation(params.sessionId);
        return { outcome: await conversation?.permission(params) ?? { outcome: "cancelled" } };
      });
    if (!this.#options.preset.writesThroughClient) return client;
    return client
      .onRequest("fs/write_text_file", async ({ params }) => {
        await this.#allowFile("write", params);
        await writeForAgent(this.#options.folder, params);
        return {};
      })
      .onRequest("fs/read_text_file", async ({ params }) => {
        await this.#allowFile("read", params);
        return await readForAgent(this.#options.folder, params);
      });
  }

  async #allowFile(
    access: "read" | "write",
    { sessionId, path }: { sessionId: string; path: string },
  ): Promise<void> {
    if (await this.#conversation(sessionId)?.mayUse(access, path)) return;
    throw acp.RequestError.invalidParams({ path }, `not allowed to ${access} ${path}`);
  }

  #conversation(sessionId: string | undefined): Conversation | undefined {
    const state = this.#state;
    if (state.kind !== "open") return undefined;
    return state.conversation.id === sessionId ? state.conversation : undefined;
  }

  async #initialize(): Promise<AgentInfo> {
    const { preset } = this.#options;
    const answer = await this.#request<acp.InitializeResponse>("initialize", {
      protocolVersion: acp.PROTOCOL_VERSION,
      clientInfo: { name: "ourocodus", version: "1" },
      clientCapabilities: {
        fs: { readTextFile: false, writeTextFile: false },
        terminal: false,
        _meta: FAILURE_EXTENSION,
      },
    }).catch((error) => {
      if (error.code !== "request_failed") throw error;
      throw this.#end("start_failed", error.message, { method: "initialize", cause: error });
    });
    const info = agentInfoIn(answer);
    const wrong = wrongAgent(preset, answer);
    if (wrong !== undefined) throw this.#end("start_failed", wrong, { method: "initialize" });
    if (this.#state.kind === "starting") this.#enter({ kind: "ready", info });
    return info;
  }

  async #open(method: string, options: OpenOptions): Promise<Conversation> {
    const { listener, load, mode, meta } = options;
    const { clock, cancelWaitMs, folder } = this.#options;
    const opened = await this.#request<acp.NewSessionResponse>(method, {
      ...(load !== undefined && { sessionId: load }),
      cwd: folder,
      mcpServers: [],
      ...(meta && { _meta: meta }),
    });
    const id = load ?? opened?.sessionId;
    if (typeof id !== "string" || id === "") {
      const message = `${this.#options.preset.title} answered ${method} without a session id`;
      throw new AdapterError("request_failed", message, { method });
    }
    const modes = modesIn(opened);
    if (mode !== undefined) await this.#setMode(id, mode, modes);
    const line = {
      clock,
      cancelWaitMs,
      request: <T>(method: string, params: unknown) => this.#request<T>(method, params),
      notify: (method: string, params: unknown) => {
        this.#connection.agent.notify(method, params).catch(() => {}); // Its end is seen elsewhere.
      },
      deaf: () => {
        const wait = `${cancelWaitMs / 1_000} s`;
        const message = `${this.#options.preset.title} did not end a cancelled turn within ${wait}`;
        this.#end("no_answer", message, { method: "session/cancel" });
      },
    };
    return new Conversation({ id, line, listener, modes, ...modelIn(opened) });
  }

  #mayOpenAgain(info: AgentInfo): void {
    if (this.#state.kind === "opening") this.#enter({ kind: "ready", info });
  }

  async #setMode(sessionId: string, modeId: string, { available }: SessionModes): Promise<void> {
    const { preset } = this.#options;
    const method = "session/set_mode";
    if (!available.includes(modeId)) {
      const offered = available.join(", ") || "none";
      const message = `${preset.title} does not offer the mode "${modeId}", only ${offered}`;
      throw new AdapterError("no_mode", message, { method });
    }
    await this.#request(method, { sessionId, modeId });
  }

  /** Sends a request. @throws AdapterError, and nothing else. */
  async #request<T>(method: string, params: unknown): Promise<T> {
    if (this.#state.kind === "ended") throw this.#state.error;
    const answer = this.#connection.agent.request<T>(method, params);
    try {
      return await Promise.race([answer, this.#death.promise]);
    } catch (error) {
      if (error instanceof AdapterError) throw error;
      // Invariant 2: why it ended is known a moment later.
      if (this.#connection.signal.aborted) return await this.#death.promise;
      const { title, login } = this.#options.preset;
      const stderr = this.stderrTail;
      if (error instanceof acp.RequestError) {
        throw requestError(title, method, error, { login: login.how, stderr });
      }
      const message = `${title} answered ${method} with what is no result: ${messageOf(error)}`;
      throw new AdapterError("request_failed", message, { method, stderr, cause: error });
    }
  }

  /** Sees the end by what ends first, gives the other a moment, and says what it was. */
  async #watch(): Promise<void> {
    const { status } = this.#process;
    const { closed } = this.#connection;
    const first = await Promise.race([status, closed.then(() => undefined)]);
    const ended = first ?? await this.#within(MUTE_MS, status);
    if (first !== undefined) await this.#within(LAST_MESSAGES_MS, closed);
    const { title } = this.#options.preset;
    const when = DURING[this.#state.kind];
    const reason = this.#connection.signal.reason;
    if (reason instanceof LineTooLong) {
      this.#end("line_too_long", `${title}: ${reason.message} ${when}`);
    } else if (ended === undefined) {
      this.#end("closed", `${title} closed its output ${when}`);
    } else {
      const how = ended.signal ?? `exit code ${ended.code}`;
      this.#end("closed", `${title} ended (${how}) ${when}`);
    }
  }

  /** @returns `undefined` if it takes longer. */
  async #within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const callOff = this.#options.clock.after(ms, () => resolve(undefined));
    try {
      return await Promise.race([promise, late]);
    } finally {
      callOff();
    }
  }

  #deadline(method: string): () => void {
    const { clock, startTimeoutMs, preset } = this.#options;
    return clock.after(startTimeoutMs, () => {
      const message = `${preset.title} did not answer ${method} within ${startTimeoutMs / 1_000} s`;
      this.#end("no_answer", message, { method });
    });
  }

  /** The end, once; what is left of the process is ended in the background. */
  #end(
    code: AdapterErrorCode,
    message: string,
    options: ErrorOptions & { readonly method?: string } = {},
  ): AdapterError {
    if (this.#state.kind === "ended") return this.#state.error;
    const stderr = this.stderrTail;
    const said = stderr.trim().split("\n").slice(-5).join("\n").slice(-1_000);
    const whole = said === "" ? message : `${message}; it said: ${said}`;
    const error = new AdapterError(code, whole, { ...options, stderr });
    this.#enter({ kind: "ended", error });
    this.#death.reject(error);
    void this.#endProcess();
    return error;
  }

  async #endProcess(): Promise<void> {
    try {
      await this.#process.end(this.#options.endGraceMs);
    } finally {
      this.#connection.close();
      this.#gone.resolve();
    }
  }

  #enter(state: State): void {
    if ("callOff" in this.#state) this.#state.callOff();
    this.#state = state;
  }
}

function startProcess(options: AdapterOptions): StdioProcess {
  const { preset, command, env, folder, mark, sandbox, clock, keeper } = options;
  const whole = sandbox === undefined ? command : bwrapCommand(sandbox.program, command, {
    writable: [folder, ...sandbox.writable],
    cwd: folder,
  });
  const [path = "", ...args] = whole;
  try {
    return new StdioProcess(path, { args, env, cwd: folder, clock, mark, keeper });
  } catch (error) {
    const message = `${preset.title} cannot be started: ${messageOf(error)}`;
    throw new AdapterError("start_failed", message, { cause: error });
  }
}

function modesIn(opened: acp.NewSessionResponse): SessionModes {
  const { modes } = opened ?? {};
  return {
    available: modes?.availableModes?.map(({ id }) => id) ?? [],
    ...(modes?.currentModeId && { current: modes.currentModeId }),
  };
}

/** Where agents say which model they use. */
function modelIn(opened: acp.NewSessionResponse): { model?: string } {
  const { models, configOptions } = (opened ?? {}) as {
    models?: { currentModelId?: unknown };
    configOptions?: Array<{ id?: unknown; currentValue?: unknown }>;
  };
  const option = configOptions?.find?.(({ id }) => id === "model")?.currentValue;
  const model = [models?.currentModelId, option].find((value) => typeof value === "string");
  return model === undefined ? {} : { model: String(model) };
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined)) as T;
}
