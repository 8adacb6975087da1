/**
 * `deno task compile`: writes an executable of each part. What it may do is in it, from
 * "permissions" in deno.json, as are its modules and packages; nothing else is needed to run it.
 *
 * @module
 */
import { join, relative, resolve } from "node:path";
import { buildMonitor, monitorIsStale } from "../web/build.ts";
import { fileURLToPath } from "node:url";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { runToEnd } from "./run_to_end.ts";

/** A part that can be compiled: its folder, which has a main.ts. */
export type PartName = keyof typeof PARTS;

/** How a part is compiled. */
interface Part {
  readonly executable: string;
  /** The permission set of deno.json that is compiled in. */
  readonly permissions: string;
  /** Folders of files that it reads when it runs. */
  readonly include: readonly string[];
}

/** Each part. */
export const PARTS = {
  relay: { executable: "relay", permissions: "relay", include: [] },
  api: { executable: "api", permissions: "api", include: ["web/dist"] },
  agent: { executable: "agent", permissions: "agent", include: [] },
  cli: { executable: "ourocodus", permissions: "cli", include: [] },
} as const satisfies Record<string, Part>;

/** The systems that Deno has bases of executables for. */
export const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/** Options of {@linkcode compilePart}. */
export interface CompileOptions {
  /** The folder to write to; made if missing. */
  readonly folder: string;
  /** One of {@linkcode TARGETS}; this machine's by default. */
  readonly target?: string;
  /** A permission set of deno.json; the part's own by default. */
  readonly permissions?: string;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** What was compiled. */
export type Compiled =
  | {
    readonly kind: "ok";
    readonly path: string;
    readonly bytes: number;
    /** The tree of what is embedded, as Deno shows it. */
    readonly embedded: string;
  }
  | { readonly kind: "failed"; readonly reason: string };

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const HELP = `Writes executables that need neither Deno nor this folder.

Usage: deno task compile [relay] [api] [agent] [cli] [options]

Without a part, all of them: dist/relay, dist/api, dist/agent and dist/ourocodus. What each may do is
compiled in, from "permissions" in deno.json.

Options:
  --target TARGET      for another system, into dist/TARGET:
${TARGETS.map((target) => `                       ${target}`).join("\n")}
  --output FOLDER      write to this folder
  --permissions NAME   compile another permission set of deno.json in
  --embedded           list what is embedded
  -h, --help           show this

Deno fetches the base of executables from dl.deno.land, once for each of its versions and each
target. Where that cannot be reached, DENORT_BIN names one.`;

/**
 * Compiles a part with the `deno` that runs this.
 *
 * @param part The part.
 * @param options Where to, for what, and with which permissions.
 * @returns The executable, or why there is none, for people.
 */
export async function compilePart(part: PartName, options: CompileOptions): Promise<Compiled> {
  const { executable, permissions, include }: Part = PARTS[part];
  const { folder, target, signal } = options;
  const output = join(folder, executable);
  const { success, stderr } = await runToEnd(Deno.execPath(), [
    "compile",
    ...["--frozen", "--no-prompt", "--exclude-unused-npm"],
    `--permission-set=${options.permissions ?? permissions}`,
    ...(target === undefined ? [] : ["--target", target]),
    ...include.flatMap((path) => ["--include", join(ROOT, path)]),
    ...["--output", output, join(ROOT, part, "main.ts")],
  ], { cwd: ROOT, env: { NO_COLOR: "1" }, signal });
  if (!success) return { kind: "failed", reason: compileFailure(stderr) };
  const path = target?.includes("windows") ? `${output}.exe` : output;
  const { size } = await Deno.stat(path);
  return { kind: "ok", path, bytes: size, embedded: embeddedIn(stderr) };
}

/**
 * What `deno compile` failed on.
 *
 * @param stderr What it wrote to standard error.
 * @returns For people; if the base of executables is missing, with what can be done.
 */
export function compileFailure(stderr: string): string {
  const [, missing] = /error sending request for url \((\S*denort\S*)\)/.exec(stderr) ?? [];
  if (missing === undefined) {
    const said = stripVTControlCharacters(stderr).replace(/^(?:Check|Compile|Warning) .*\n/gm, "");
    return said.replace(/^Stack backtrace:.*/ms, "").replace(/^error: /m, "").trim();
  }
  return `the base of executables cannot be downloaded: ${missing}\n` +
    "Deno fetches it once for each of its versions and each target. Compile where that address " +
    "can be reached, or download and unpack it there and set DENORT_BIN to the path of the file";
}

function embeddedIn(said: string): string {
  const [, tree = ""] = /^Embedded Files\n\n(.*?)\n\n/ms.exec(said) ?? [];
  return tree;
}

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (parsed.kind === "invalid") {
    console.error(`error: ${parsed.reason}\n\n${HELP}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const parts = positionals.length > 0 ? positionals : Object.keys(PARTS);
  const folder = resolve(values.output ?? join(ROOT, "dist", values.target ?? ""));
  if (parts.includes("api") && await monitorIsStale()) await buildMonitor();
  for (const part of new Set(parts as PartName[])) {
    const compiled = await compilePart(part, {
      folder,
      target: values.target,
      permissions: values.permissions,
    });
    if (compiled.kind === "failed") {
      console.error(`error: Cannot compile ${part}: ${compiled.reason}`);
      return 1;
    }
    const shown = relative(Deno.cwd(), compiled.path);
    const size = `${(compiled.bytes / 1e6).toFixed(1)} MB`;
    console.log(`${shown.startsWith("..") ? compiled.path : shown}  ${size}`);
    if (values.embedded) console.log(`${compiled.embedded}\n`);
  }
  return 0;
}

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        target: { type: "string" },
        output: { type: "string" },
        permissions: { type: "string" },
        embedded: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    const unknown = positionals.find((part) => !Object.hasOwn(PARTS, part));
    const { target } = values;
    if (unknown !== undefined) {
      return invalid(`part is "${unknown}", allowed are ${Object.keys(PARTS).join(", ")}`);
    }
    if (target !== undefined && !TARGETS.includes(target)) {
      return invalid(`--target is "${target}", allowed are ${TARGETS.join(", ")}`);
    }
    return { kind: "ok", values, positionals } as const;
  } catch (error) {
    return invalid((error as Error).message);
  }
}

function invalid(reason: string): { readonly kind: "invalid"; readonly reason: string } {
  return { kind: "invalid", reason };
}

if (import.meta.main) Deno.exit(await main(Deno.args));
