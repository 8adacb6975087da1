/**
 * `deno task web`: bundles the monitor into web/dist.
 *
 * @module
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const HASH_BYTES = 6;
const MAX_TRIES = 10;
/** What the monitor has in it of the protocol. */
const SHARED = ["result_text.ts", "diff_lines.ts"].map((name) =>
  join(FOLDER, "..", "protocol", name)
);

/**
 * Builds the monitor: one script and one stylesheet, whose names change with what is in them.
 *
 * @param options `folder`: where to; web/dist by default.
 * @throws {Error} If it cannot be bundled; with what the bundler says.
 */
export async function buildMonitor(options: { readonly folder?: string } = {}): Promise<void> {
  const folder = options.folder ?? join(FOLDER, "dist");
  const script = await bundle(join(FOLDER, "main.tsx"));
  const style = await Deno.readTextFile(join(FOLDER, "style.css"));
  const charts = await Deno.readTextFile(
    createRequire(import.meta.url).resolve("uplot/dist/uPlot.min.css"),
  );
  const page = await Deno.readTextFile(join(FOLDER, "index.html"));
  const icon = await Deno.readFile(join(FOLDER, "icon.svg"));
  const css = new TextEncoder().encode(`${charts}\n${style}`);
  const names = { script: `main-${await hash(script)}.js`, style: `style-${await hash(css)}.css` };
  // Into a new folder, then in its place: nobody finds half of it.
  const draft = `${folder}.${crypto.randomUUID()}`;
  await Deno.mkdir(draft, { recursive: true });
  await Deno.writeFile(join(draft, names.script), script);
  await Deno.writeFile(join(draft, names.style), css);
  await Deno.writeFile(join(draft, "icon.svg"), icon);
  await Deno.writeTextFile(
    join(draft, "index.html"),
    page.replace("main.js", names.script).replace("style.css", names.style),
  );
  await replaceFolder(folder, draft);
}

/** Of several that build at the same time, the last one's stays. */
async function replaceFolder(folder: string, draft: string): Promise<void> {
  for (let tries = 1;; tries++) {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    try {
      return await Deno.rename(draft, folder);
    } catch (error) {
      // Another one's is there since it was removed.
      if (tries === MAX_TRIES) throw error;
    }
  }
}

/** Whether the monitor was never built, or something that it is made of has changed since. */
export async function monitorIsStale(): Promise<boolean> {
  try {
    const { mtime: built } = await Deno.stat(join(FOLDER, "dist", "index.html"));
    const changed = await Promise.all([newest(FOLDER), ...SHARED.map(changedAt)]);
    return Math.max(...changed) > (built?.getTime() ?? 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

async function newest(folder: string): Promise<number> {
  let time = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (name.startsWith("dist") || name.endsWith("_test.ts")) continue;
    const path = join(folder, name);
    const changed = isDirectory ? await newest(path) : await changedAt(path);
    time = Math.max(time, changed);
  }
  return time;
}

async function changedAt(path: string): Promise<number> {
  return (await Deno.stat(path)).mtime?.getTime() ?? 0;
}

async function bundle(entry: string): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "-q", "--platform", "browser", "--minify", entry],
    // The bundler takes the configuration, and with it the imports, of the folder it is run in.
    cwd: FOLDER,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success && stdout.length > 0) return stdout;
  throw new Error(`Cannot bundle ${entry}: ${new TextDecoder().decode(stderr).trim()}`);
}

async function hash(data: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return Array.from(digest.subarray(0, HASH_BYTES), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

if (import.meta.main) {
  await buildMonitor();
  console.log("built web/dist");
}
