/** How much of what a part wrote is kept, in characters. */
const KEPT_LOG = 64 * 1024;

/** What a part is started with. */
export interface PartOptions {
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * A program that the demo runs in a child process, in a session of its own: Ctrl-C in a terminal
 * reaches the demo alone, which then ends its parts in the right order.
 */
export class Part {
  /** What the user knows it by. */
  readonly name: string;
  /** Its process id. */
  readonly pid: number;
  /** Settles when it has ended. */
  readonly ended: Promise<Deno.CommandStatus>;

  readonly #child: Deno.ChildProcess;
  #log = "";
  #status: Deno.CommandStatus | undefined;

  /** Starts it. */
  constructor(name: string, options: PartOptions) {
    const { command, args, env } = options;
    this.name = name;
    this.#child = new Deno.Command(command, {
      args: [...args],
      env: { ...env },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    this.pid = this.#child.pid;
    this.ended = this.#end();
  }

  /** The end of what it has written until now. */
  get log(): string {
    return this.#log;
  }

  /** How it ended, or `undefined` while it runs. */
  get status(): Deno.CommandStatus | undefined {
    return this.#status;
  }

  /**
   * Asks it to end, kills it if it does not, and waits until it has ended.
   *
   * @param graceMs How long it may take, in milliseconds.
   */
  async stop(graceMs: number): Promise<void> {
    this.send("SIGTERM");
    const timer = setTimeout(() => this.send("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Sends it a signal, unless it has ended. */
  send(signal: Deno.Signal): void {
    if (this.#status) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It ended just now.
      if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
    }
  }

  async #end(): Promise<Deno.CommandStatus> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#read(this.#child.stdout),
      this.#read(this.#child.stderr),
    ]);
    this.#status = status;
    return status;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#log = (this.#log + text).slice(-KEPT_LOG);
    }
  }
}
