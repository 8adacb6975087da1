import { join } from "node:path";
import type { Step } from "./script.ts";

/** What a session remembers; on disk, so that another process can load it. */
export interface Memory {
  readonly id: string;
  readonly cwd: string;
  mode: string;
  /** The script that is being followed, and how many of its steps have begun. */
  steps: readonly Step[];
  begun: number;
  /** What was said, to be replayed. */
  readonly history: Array<{ readonly from: "user" | "agent" | "tool"; readonly text: string }>;
}

/** The sessions in a folder, a file each. */
export class Memories {
  readonly #folder: string;

  constructor(home: string) {
    this.#folder = join(home, "sessions");
  }

  /** Written at once: the process may be killed in the next step. */
  save(memory: Memory): void {
    Deno.mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `${memory.id}.json`);
    Deno.writeTextFileSync(`${path}.new`, JSON.stringify(memory));
    Deno.renameSync(`${path}.new`, path);
  }

  load(id: string): Memory | undefined {
    try {
      return JSON.parse(Deno.readTextFileSync(join(this.#folder, `${id}.json`)));
    } catch {
      return undefined;
    }
  }
}
