/**
 * The monitor's files: what `deno task web` writes to web/dist, read once.
 *
 * @module
 */
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

interface MonitorFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer> | undefined;
  readonly type: string;
  readonly etag: string;
  /** Whether its name changes with its content. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".map": "application/json",
};
const HASHED = /-[0-9a-f]{8,}\.\w+$/;
const GZIP_FROM_BYTES = 1_024;
const MISSING =
  "The monitor is not built: run deno task web, then start the API again. The API itself is at /api, /openapi.json describes it.\n";

/** Answers requests for files. */
export class MonitorFiles {
  readonly #files = new Map<string, MonitorFile>();

  private constructor() {}

  /** Reads a folder, not those in it. @param folder Need not exist: then only its lack is told. */
  static async read(folder: string): Promise<MonitorFiles> {
    const files = new MonitorFiles();
    try {
      for await (const { name, isFile } of Deno.readDir(folder)) {
        if (isFile) files.#add(name, await Deno.readFile(join(folder, name)));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return files;
  }

  /** Whether there is anything. */
  get isBuilt(): boolean {
    return this.#files.has("/index.html");
  }

  /** The response for a path; undefined if there is no such file. */
  respond(path: string, headers: Headers): Response | undefined {
    const file = this.#files.get(path);
    if (file === undefined) {
      return path === "/index.html" ? new Response(MISSING, { status: 503 }) : undefined;
    }
    const common = {
      "etag": file.etag,
      "cache-control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
      "vary": "accept-encoding",
    };
    if (headers.get("if-none-match")?.split(/\s*,\s*/).includes(file.etag)) {
      return new Response(null, { status: 304, headers: common });
    }
    const gzip = file.gzipped !== undefined &&
      /\bgzip\b/.test(headers.get("accept-encoding") ?? "");
    return new Response(gzip ? file.gzipped : file.bytes, {
      headers: {
        ...common,
        "content-type": file.type,
        ...(gzip && { "content-encoding": "gzip" }),
      },
    });
  }

  #add(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    let hash = 2_166_136_261;
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 16_777_619) >>> 0;
    this.#files.set(`/${name}`, {
      bytes,
      gzipped: bytes.length < GZIP_FROM_BYTES ? undefined : new Uint8Array(gzipSync(bytes)),
      type: TYPES[extname(name)] ?? "application/octet-stream",
      etag: `"${bytes.length.toString(36)}-${hash.toString(36)}"`,
      immutable: HASHED.test(name),
    });
  }
}
