import { join } from "node:path";

/** Options of {@linkcode OutputFiles}. */
export interface OutputFilesOptions {
  /** Where they are; by default a new folder in the temporary folder, for this user alone. */
  readonly folder?: string;
  /** The largest file, in bytes. */
  readonly maxBytes: number;
}

/** Of a work's id as much is in a file's name, in characters. */
const NAMED_CHARACTERS = 40;

/**
 * The files for output that does not fit into a result. They are this user's alone to read, and
 * nobody removes them: that is left to the agent's operator, or to the system, which empties the
 * temporary folder.
 */
export class OutputFiles {
  readonly maxBytes: number;
  #folder: string | undefined;

  constructor(options: OutputFilesOptions) {
    this.#folder = options.folder;
    this.maxBytes = options.maxBytes;
  }

  /** Makes a file whose name begins with the work's id, as far as that can be in a name. */
  async create(id: string): Promise<{ readonly path: string; readonly file: Deno.FsFile }> {
    this.#folder ??= await Deno.makeTempDir({ prefix: "ourocodus-output-" });
    await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const named = id.slice(0, NAMED_CHARACTERS).replace(/[^A-Za-z0-9_-]/g, "_");
    const path = join(this.#folder, `${named}-${crypto.randomUUID()}.out`);
    return { path, file: await Deno.open(path, { write: true, createNew: true, mode: 0o600 }) };
  }
}
