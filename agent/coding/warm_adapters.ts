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
import { Running } from "../running.ts";
import type { StartedAdapter } from "./started_adapter.ts";
import type { WaitingFolder } from "./waiting_folder.ts";

/** A process that waits for work, and the empty folder that it was started in. */
export interface Spare extends StartedAdapter {
  readonly folder: WaitingFolder;
  /** What finds all that it starts, see `agent/processes`. */
  readonly mark: string;
}

/** Options of {@linkcode WarmAdapters}. */
export interface WarmAdaptersOptions {
  /** How many work items are done at once. */
  readonly slots: number;
  /** Makes the folder in which a process waits; it is released when the process has ended. */
  readonly makeFolder: () => Promise<WaitingFolder>;
  /** Starts a process in a folder. */
  readonly start: (folder: string, mark: string) => Promise<StartedAdapter>;
}

/** Processes that wait for work, one for each free slot. */
export class WarmAdapters implements AsyncDisposable {
  readonly #options: WarmAdaptersOptions;
  readonly #spares = new Set<Spare>();
  readonly #starting = new Running();
  #busy = 0;
  #closed = false;

  constructor(options: WarmAdaptersOptions) {
    this.#options = options;
  }

  /** Starts what is missing, so that one waits for each free slot. */
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
      // It may have ended while it waited, and its folder be removed, by a person who cleans up.
      if (await isUsable(spare)) return spare;
      await this.#drop(spare);
    }
    const spare = await this.#add();
    this.#spares.delete(spare);
    return spare;
  }

  /** Ends all that wait, and starts no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#starting.ended();
    const spares = [...this.#spares];
    this.#spares.clear();
    await Promise.all(spares.map((spare) => this.#drop(spare)));
  }

  async #add(): Promise<Spare> {
    return await this.#starting.add(this.#start());
  }

  async #start(): Promise<Spare> {
    const folder = await this.#options.makeFolder();
    const mark = crypto.randomUUID();
    try {
      const spare = { ...await this.#options.start(folder.path, mark), folder, mark };
      this.#spares.add(spare);
      // One that ends while it waits is replaced when it is wanted, not in a loop.
      void spare.adapter.ended.then(async () => {
        if (this.#spares.delete(spare)) await spare.adapter.end();
        await folder.release();
      });
      return spare;
    } catch (error) {
      await folder.release();
      throw error;
    }
  }

  async #drop(spare: Spare): Promise<void> {
    await spare.adapter.end();
    await spare.folder.release();
  }
}

async function isUsable({ adapter, folder }: Spare): Promise<boolean> {
  try {
    await adapter.ready();
    return await folder.isThere();
  } catch {
    return false;
  }
}
