/**
 * A process of the load, from outside: told one JSON value a line, it tells one a line.
 *
 * @module
 */
import { ROOT } from "../tests/support/mod.ts";

/** A load process. Disposing of it ends it. */
export class LoadProcess implements AsyncDisposable {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #rest = "";

  /** Use {@linkcode startLoad}. */
  constructor(name: string, plan: object, env: Readonly<Record<string, string>> = {}) {
    this.name = name;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${ROOT}/bench/load/${name}.ts`, JSON.stringify(plan)],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Tells it something and waits for the answer. @throws {Error} If it ends without one. */
  async ask<T>(command: object): Promise<T> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
    return await this.heard<T>();
  }

  /** The next thing that it tells. @throws {Error} If there is no more. */
  async heard<T>(): Promise<T> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#output.read();
      if (done) throw new Error(`The load's process ${this.name} has ended, see above`);
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }

  /** Lets it end by itself. */
  async end(): Promise<void> {
    await this.#input.close();
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#output.cancel();
    await this.#input.abort().catch(() => {});
  }
}

/**
 * Starts a program of `load/` and waits until it is ready.
 *
 * @param plan Its one argument, as JSON.
 * @param env Further variables of its environment.
 */
export async function startLoad(
  name: string,
  plan: object,
  env?: Readonly<Record<string, string>>,
): Promise<LoadProcess> {
  const process = new LoadProcess(name, plan, env);
  await process.heard();
  return process;
}
