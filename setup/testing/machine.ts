import { dirname, join } from "node:path";
import type { EnsureOptions } from "../ensure.ts";

/** A machine that exists in a temporary folder only. Disposing of it removes the folder. */
export interface TestMachine extends AsyncDisposable {
  /** The temporary folder. */
  readonly folder: string;
  /** Options for set-up: `bin` is PATH, `cache` the cache. */
  readonly options: EnsureOptions & { readonly env: Record<string, string> };
  /** What set-up said. */
  readonly said: string[];
  /** Writes an executable shell script below the folder and returns its path. */
  script(path: string, text: string): Promise<string>;
  /** Writes a stand-in that answers `--version` as nats-server does. */
  natsServer(path: string, version: string): Promise<string>;
  /** All files below a folder of the machine. */
  files(path: string): Promise<string[]>;
}

/** A machine with nothing on it: Linux on x86_64, not root. */
export async function testMachine(): Promise<TestMachine> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-setup-" });
  const said: string[] = [];
  const script = async (path: string, text: string) => {
    const file = join(folder, path);
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, `#!/bin/sh\n${text}\n`);
    await Deno.chmod(file, 0o755);
    return file;
  };
  return {
    folder,
    said,
    options: {
      env: { PATH: join(folder, "bin"), OUROCODUS_CACHE: join(folder, "cache") },
      os: "linux",
      arch: "x86_64",
      uid: 1000,
      say: (line) => said.push(line),
    },
    script,
    natsServer: (path, version) => script(path, natsServerScript(version)),
    files: (path) => filesBelow(join(folder, path)),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** A shell command that answers `--version` as nats-server does. */
export function natsServerScript(version: string): string {
  return `[ "$1" = --version ] && echo "nats-server: v${version}"`;
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      files.push(...entry.isDirectory ? await filesBelow(path) : [path]);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files;
}
