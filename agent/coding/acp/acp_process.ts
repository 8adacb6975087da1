/**
 * A process that speaks ACP: requests to it, and its end.
 *
 * Invariants:
 * 1. Nothing waits longer than the process lives. The end is seen by the process' end or by its
 *    output's, the earlier: an orphan can hold the output open, and a process can live on mute.
 * 2. Why it ended is one error for all that wait. The SDK rejects what is pending as soon as the
 *    output ends, a moment before the process is known to have ended; that is never shown.
 *
 * @module
 */
import * as acp from "@agentclientprotocol/sdk/unstable";
import { messageOf } from "@ourocodus/protocol";
import { type Clock, within } from "../../clock.ts";
import { confined, type Keeper, type Sandbox, StdioProcess } from "../../processes/mod.ts";
import { AdapterError, type AdapterErrorCode, requestError } from "./errors.ts";
import { LineTooLong, type MessageStream, messageStream } from "./message_stream.ts";
import type { Preset } from "./presets.ts";

/** How to start the process of an agent. */
export interface AcpProcessOptions {
  readonly preset: Preset;
  /** The program, as an absolute path, and its arguments. */
  readonly command: readonly string[];
  /** Its whole environment, except the mark. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder it runs in, as an absolute path. */
  readonly folder: string;
  /** What its processes are found by. */
  readonly mark: string;
  /** Bubblewrap, and what may be written to besides the folder. */
  readonly sandbox?: Sandbox;
  readonly clock: Clock;
  readonly keeper?: Keeper;
  /** How long after SIGTERM SIGKILL comes, in milliseconds; 2 000 by default. */
  readonly endGraceMs?: number;
  /** The longest line that it may write, in bytes; 64 MiB by default. */
  readonly maxLineBytes?: number;
  /** Told what it prints on standard output between its messages. */
  readonly onNoise?: (text: string) => void;
}

/** Whom a process tells. */
export interface AcpProcessOwner {
  /** Answers what the agent asks. */
  readonly client: acp.ClientApp;
  /** Sees each message before `client`. @returns Whether it has dealt with it. */
  take(message: acp.AnyMessage): boolean;
  /** What the process is in now, for the message of its end: "during initialize". */
  when(): string;
  /** Told once. */
  onEnd(error: AdapterError): void;
}

/** What else is known of an end. */
export interface EndDetails extends ErrorOptions {
  readonly method?: string;
  /** Whether what it said on standard error goes into the message. */
  readonly quote?: boolean;
}

/** How long after the process' end its last messages may still come, in milliseconds. */
const LAST_MESSAGES_MS = 500;
/** How long after its output's end a process may take to end, in milliseconds. */
const MUTE_MS = 1_000;
const DEFAULT_GRACE_MS = 2_000;
const DEFAULT_MAX_LINE_BYTES = 64 * 1024 * 1024;

/** A process that answers ACP requests, until it ends or is ended. */
export class AcpProcess {
  readonly #options: AcpProcessOptions;
  readonly #owner: AcpProcessOwner;
  readonly #process: StdioProcess;
  readonly #connection: acp.ClientConnection;
  readonly #stream: MessageStream;
  /** Rejected at the end; everything that waits races with it. */
  readonly #death = Promise.withResolvers<never>();
  readonly #gone = Promise.withResolvers<void>();
  #error: AdapterError | undefined;

  /** @throws {AdapterError} `start_failed` if the system does not run the program. */
  constructor(options: AcpProcessOptions, owner: AcpProcessOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#death.promise.catch(() => {});
    this.#process = startProcess(options);
    const { maxLineBytes = DEFAULT_MAX_LINE_BYTES, onNoise } = options;
    const { stdin, stdout } = this.#process;
    this.#stream = messageStream(stdin, stdout, {
      maxLineBytes,
      take: (message) => owner.take(message),
      ...(onNoise && { onNoise }),
    });
    this.#connection = owner.client.connect(this.#stream);
    void this.#watch();
  }

  /** Settles when the process and everything that it has started has ended. */
  get ended(): Promise<void> {
    return this.#gone.promise;
  }

  /** Why it ended, once it has. */
  get error(): AdapterError | undefined {
    return this.#error;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The end of what it has said on standard error. */
  get stderrTail(): string {
    return this.#process.stderrTail();
  }

  /** Sends a request. @throws {AdapterError} And nothing else. */
  async request<T>(method: string, params: unknown): Promise<T> {
    if (this.#error !== undefined) throw this.#error;
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

  notify(method: string, params: unknown): void {
    // If it cannot be sent, the connection is about to end.
    this.#connection.agent.notify(method, params).catch(() => {});
  }

  /**
   * Ends it, once, with everything that it has started.
   *
   * @returns Why it ended: this, or what came before.
   */
  fail(code: AdapterErrorCode, message: string, details: EndDetails = {}): AdapterError {
    if (this.#error !== undefined) return this.#error;
    const { quote = false, ...options } = details;
    const stderr = this.stderrTail;
    const said = quote ? stderr.trim().split("\n").slice(-5).join("\n").slice(-1_000) : "";
    const whole = said === "" ? message : `${message}; it said: ${said}`;
    const error = new AdapterError(code, whole, { ...options, stderr });
    this.#error = error;
    this.#death.reject(error);
    this.#owner.onEnd(error);
    void this.#endProcess();
    return error;
  }

  /** Sees the end by what ends first, gives the other a moment, and says what it was. */
  async #watch(): Promise<void> {
    const { status } = this.#process;
    const { closed, signal } = this.#connection;
    const { clock, preset: { title } } = this.#options;
    const first = await Promise.race([status, closed.then(() => undefined)]);
    const ended = first ?? await within(clock, MUTE_MS, status);
    if (first !== undefined) await within(clock, LAST_MESSAGES_MS, closed);
    if (this.#error !== undefined) return;
    const when = this.#owner.when();
    if (signal.reason instanceof LineTooLong) {
      this.fail("line_too_long", `${title}: ${signal.reason.message} ${when}`);
    } else if (ended === undefined) {
      this.fail("closed", `${title} closed its output ${when}`, { quote: true });
    } else {
      const how = ended.signal ?? `exit code ${ended.code}`;
      this.fail("closed", `${title} ended (${how}) ${when}`, { quote: true });
    }
  }

  async #endProcess(): Promise<void> {
    try {
      await this.#process.end(this.#options.endGraceMs ?? DEFAULT_GRACE_MS);
    } finally {
      this.#connection.close();
      await this.#stream.closeInput();
      // An orphan that is not ours to end may hold it open.
      await this.#process.stdout.cancel().catch(() => {});
      this.#gone.resolve();
    }
  }
}

function startProcess(options: AcpProcessOptions): StdioProcess {
  const { preset, command, env, folder, mark, sandbox, clock, keeper } = options;
  const [path = "", ...args] = confined(command, folder, sandbox);
  try {
    return new StdioProcess(path, { args, env, cwd: folder, clock, mark, keeper });
  } catch (error) {
    const message = `${preset.title} cannot be started: ${messageOf(error)}`;
    throw new AdapterError("start_failed", message, { cause: error });
  }
}
