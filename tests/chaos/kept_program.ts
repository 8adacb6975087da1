import { startProcess, type TestProcess } from "../support/mod.ts";

/** How to start a program. */
export interface ProgramStart {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const AGAIN_MS = 300;

/**
 * A program that is started again whenever it ends, as its operator does, unless it is held.
 * Disposing of it ends it.
 */
export class KeptProgram implements AsyncDisposable {
  readonly #start: (generation: number) => ProgramStart;
  #generation = 0;
  #process: TestProcess;
  #held = false;
  #over = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  /** Its processes that have not ended, an earlier one that was replaced among them. */
  readonly #running = new Map<TestProcess, Promise<unknown>>();

  /** Starts it. @param start How, the n-th time, from 1. */
  constructor(start: (generation: number) => ProgramStart) {
    this.#start = start;
    this.#process = this.#begin();
  }

  /** What the process that runs now, or ran last, has written. */
  get output(): string {
    return this.#process.stdout + this.#process.stderr;
  }

  /** Ends it, and does not start it again until {@linkcode release}. */
  end(signal: "SIGKILL" | "SIGTERM"): void {
    this.#held = true;
    this.#process.send(signal);
  }

  /** Lets it be started again. */
  release(): void {
    this.#held = false;
    if (this.#process.ended) this.#beginAgain();
  }

  /** Sends it a signal. */
  send(signal: Deno.Signal): void {
    this.#process.send(signal);
  }

  /** Starts another next to it, which takes its place; this one is left to end by itself. */
  replace(): void {
    this.#process = this.#begin();
  }

  /** Ends it for good. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    clearTimeout(this.#again);
    for (const process of this.#running.keys()) process.send("SIGKILL");
    await Promise.all(this.#running.values());
  }

  #begin(): TestProcess {
    const { name, args, env } = this.#start(++this.#generation);
    const process = startProcess(Deno.execPath(), args, { name, env });
    const ended = process.status.finally(() => {
      this.#running.delete(process);
      if (this.#process === process && !this.#held) this.#beginAgain();
    });
    this.#running.set(process, ended);
    return process;
  }

  #beginAgain(): void {
    if (this.#over) return;
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#process = this.#begin(), AGAIN_MS);
  }
}
