/**
 * What goes through the gateway, in a file, so that it can be looked at and replayed: NDJSON, in the
 * order in which it came.
 *
 * | `type`    | fields                                                                               |
 * | --------- | ------------------------------------------------------------------------------------ |
 * | `request` | `n`, `at`, `work?`, `provider`, `method`, `path`, `body`                              |
 * | `answer`  | `n`, `ms`, `status`, `content_type?`; one for each time that the provider was asked   |
 * | `chunk`   | `n`, `ms`, `text`                                                                     |
 * | `end`     | `n`, `ms`, `whole`: whether the answer was passed on to its end                       |
 *
 * `n` tells requests apart, `ms` is the time since the request came. Headers are not kept, and a key
 * in a text is replaced.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "@ourocodus/protocol";
import { join } from "node:path";
import type { Clock } from "../clock.ts";

/** A request, as far as it is kept. */
export interface RecordedRequest {
  /** The work item that it is for. */
  readonly work: string | undefined;
  readonly provider: string;
  readonly method: string;
  /** Path and query below the provider's base URL. */
  readonly path: string;
  readonly body: Uint8Array;
}

/** Options of {@linkcode Recording.open}. */
export interface RecordingOptions {
  readonly clock: Pick<Clock, "now">;
  /** The keys, which are not kept. */
  readonly keys: readonly string[];
}

const logger = getLogger(["ourocodus", "agent"]);

/** A file of requests and answers. If it cannot be written, it ends, and requests go on. */
export class Recording implements Disposable {
  readonly #path: string;
  readonly #options: RecordingOptions;
  #file: Deno.FsFile | undefined;
  #requests = 0;

  /**
   * Makes a new file, which only its owner can read, in a folder that is made if need be.
   *
   * @throws Whatever the system says against it.
   */
  static open(folder: string, options: RecordingOptions): Recording {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const time = new Date().toISOString().replaceAll(/[:.]/g, "-");
    const path = join(folder, `gateway-${time}-${crypto.randomUUID().slice(0, 8)}.ndjson`);
    const file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    return new Recording(path, file, options);
  }

  private constructor(path: string, file: Deno.FsFile, options: RecordingOptions) {
    this.#path = path;
    this.#file = file;
    this.#options = options;
  }

  /** Keeps a request. @returns Keeps its answer. */
  request({ body, ...request }: RecordedRequest): RecordedAnswer {
    const n = ++this.#requests;
    const sinceMs = this.#options.clock.now();
    const ms = () => Math.round(this.#options.clock.now() - sinceMs);
    const decoder = new TextDecoder();
    const at = new Date().toISOString();
    this.#write({ type: "request", n, at, ...request, body: new TextDecoder().decode(body) });
    return {
      answer: (status, type) =>
        this.#write({ type: "answer", n, ms: ms(), status, content_type: type ?? undefined }),
      chunk: (bytes) => {
        const text = decoder.decode(bytes, { stream: true });
        this.#write({ type: "chunk", n, ms: ms(), text });
      },
      end: (isWhole) => this.#write({ type: "end", n, ms: ms(), whole: isWhole }),
    };
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #write(line: object): void {
    if (this.#file === undefined) return;
    let text = JSON.stringify(line);
    for (const key of this.#options.keys) text = text.replaceAll(key, "[key]");
    const bytes = new TextEncoder().encode(`${text}\n`);
    try {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch (error) {
      logger.error("Records no more in {path}: {why}", {
        path: this.#path,
        why: messageOf(error),
      });
      this[Symbol.dispose]();
    }
  }
}

/** Keeps an answer, as it comes. */
export interface RecordedAnswer {
  answer(status: number, contentType: string | null): void;
  chunk(bytes: Uint8Array): void;
  end(isWhole: boolean): void;
}
