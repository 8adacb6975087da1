/**
 * The monitor's files: what `deno task web` writes to web/dist, read once.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { ProblemError } from "./problem.ts";

interface MonitorFile {
  readonly type: string;
  /** Whether its name changes with its content. */
  readonly immutable: boolean;
  readonly plain: Representation;
  /** If that is worth it. */
  readonly gzipped: Representation | undefined;
}

interface Representation {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".map": "application/json",
};
/** The paths that the monitor's page itself takes apart. */
const PAGES = /^\/(agents|sessions(\/.*)?|work(\/.*)?|events|send)?\/?$/;
const HASHED = /-[0-9a-f]{8,}\.\w+$/;
const GZIP_FROM_BYTES = 1_024;
const FOREVER = "public, max-age=31536000, immutable";

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

  /** Whether a path is one of the monitor's. */
  has(path: string): boolean {
    return PAGES.test(path) || this.#files.has(path);
  }

  /**
   * The response for a path.
   *
   * @param headers The request's.
   * @returns `undefined` if it is none of the monitor's.
   * @throws {ProblemError} If it is, and the monitor is not built.
   */
  respond(path: string, headers: Headers): Response | undefined {
    const file = this.#files.get(PAGES.test(path) ? "/index.html" : path);
    if (file === undefined) {
      if (!this.has(path)) return undefined;
      const detail = "the monitor is not built: deno task web builds it, then the API is to be " +
        "started again; /openapi.json describes the API itself";
      throw new ProblemError("unavailable", detail);
    }
    const zips = file.gzipped !== undefined && accepts(headers.get("accept-encoding"), "gzip");
    const { bytes, etag } = zips && file.gzipped || file.plain;
    const common = {
      etag,
      "cache-control": file.immutable ? FOREVER : "no-cache",
      "vary": "accept-encoding",
    };
    if (isKnown(headers.get("if-none-match"), etag)) {
      return new Response(null, { status: 304, headers: common });
    }
    const encoding = zips && { "content-encoding": "gzip" };
    return new Response(bytes, { headers: { ...common, ...encoding, "content-type": file.type } });
  }

  #add(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 16);
    const gzipped = new Uint8Array(gzipSync(bytes));
    const worthIt = bytes.length >= GZIP_FROM_BYTES && gzipped.length < bytes.length * 0.9;
    this.#files.set(`/${name}`, {
      type: TYPES[extname(name)] ?? "application/octet-stream",
      immutable: HASHED.test(name),
      plain: { bytes, etag: `"${hash}"` },
      gzipped: worthIt ? { bytes: gzipped, etag: `"${hash}-gzip"` } : undefined,
    });
  }
}

/** Whether `Accept-Encoding` allows a coding (RFC 9110, section 12.5.3). */
function accepts(header: string | null, coding: string): boolean {
  const wanted = (header ?? "").toLowerCase().split(",").map((part) => part.split(";"));
  const named = (name: string) => wanted.find(([first]) => first?.trim() === name);
  const found = named(coding) ?? named("*");
  if (found === undefined) return false;
  const weight = found.slice(1).map((part) => part.trim()).find((part) => part.startsWith("q="));
  return weight === undefined || Number(weight.slice(2)) > 0;
}

/** Whether `If-None-Match` names it (RFC 9110, section 13.1.2). */
function isKnown(header: string | null, etag: string): boolean {
  const known = (header ?? "").split(",").map((part) => part.trim().replace(/^W\//, ""));
  return known.includes(etag) || known.includes("*");
}
