/**
 * Coding agents' processes that were started before there is work for them.
 *
 * Invariants:
 * 1. There is at most one process that waits or serves a work item for each slot.
 * 2. A process serves one work item and is ended: what it knows, has started or holds open reaches
 *    no other.
 * 3. Each waits in an empty folder of its own, which becomes the worktree of the work item that it
 *    is given: a sandbox that lets it write there alone is made before the work is known.
 * 4. Disposing ends those too that are just being started.
 *
 * @module
 */
import { join } from "node:path";
import type { Adapter } from "./acp/mod.ts";

/** A process that waits for work, and the empty folder that it was started in. */
export interface Spare {
  readonly adapter: Adapter;
  readonly folder: string;
  /** What finds all that it starts, see `agent/processes`. */
  readonly mark: string;
}

/** Options of {@linkcode WarmAdapters}. */
export interface WarmAdaptersOptions {
  /** How many work items are done at once. */
  readonly slots: number;
  /** Makes the folder in which a process waits. */
  readonly makeFolder: () => Promise<string>;
  /** Starts a process in a folder. */
  readonly start: (folder: string, mark: string) => Promise<Adapter>;
}

/** See the top of the file. */
export class WarmAdapters implements AsyncDisposable {
  readonly #options: WarmAdaptersOptions;
  readonly #spares = new Set<Spare>();
  readonly #starting = new Set<Promise<unknown>>();
  #busy = 0;
  #closed = false;

  constructor(options: WarmAdaptersOptions) {
    this.#options = options;
  }

  /** Starts what is missing, so that as many wait as there are free slots. */
  async warm(): Promise<void> {
    while (!this.#closed && this.#busy + this.#spares.size < this.#options.slots) {
      await this.#add();
    }
  }

  /** Waits until a process that waits is ready. @throws {AdapterError} If it cannot be used. */
  async firstIsReady(): Promise<void> {
    const [spare] = this.#spares;
    await spare?.adapter.ready();
  }

  /**
   * Takes a slot for a work item that is gone on with elsewhere: no process is taken.
   *
   * @returns Gives the slot back.
   */
  occupy(): () => Promise<void> {
    this.#busy++;
    return async () => {
      this.#busy--;
      await this.warm();
    };
  }

  /** Takes a process that waits, or starts one if none does. Its slot must be occupied before. */
  async take(): Promise<Spare> {
    for (const spare of this.#spares) {
      this.#spares.delete(spare);
      try {
        await spare.adapter.ready();
        return spare;
      } catch {
        await this.#drop(spare); // It has ended while it waited.
      }
    }
    const spare = await this.#add();
    this.#spares.delete(spare);
    return spare;
  }

  /** Ends all that wait, and starts no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#starting);
    const spares = [...this.#spares];
    this.#spares.clear();
    await Promise.all(spares.map((spare) => this.#drop(spare)));
  }

  async #add(): Promise<Spare> {
    const starting = this.#start();
    const settled = starting.then(() => {}, () => {});
    this.#starting.add(settled);
    void settled.then(() => this.#starting.delete(settled));
    return await starting;
  }

  async #start(): Promise<Spare> {
    const folder = await this.#options.makeFolder();
    const mark = crypto.randomUUID();
    const spare = { adapter: await this.#options.start(folder, mark), folder, mark };
    this.#spares.add(spare);
    // One that ends while it waits is replaced when it is wanted, not in a loop.
    void spare.adapter.ended.then(async () => {
      if (this.#spares.delete(spare)) await this.#drop(spare);
    });
    return spare;
  }

  async #drop(spare: Spare): Promise<void> {
    await spare.adapter.end();
    await Deno.remove(spare.folder).catch(() => {}); // Not empty is not ours to remove.
  }
}

/** Makes a new folder with a short name. */
export async function emptyFolder(trees: string): Promise<string> {
  await Deno.mkdir(trees, { recursive: true, mode: 0o700 });
  for (;;) {
    const folder = join(trees, crypto.randomUUID().slice(0, 8));
    try {
      await Deno.mkdir(folder, { mode: 0o700 });
      return folder;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}
