/**
 * `deno task setup`: finds a nats-server, or fetches one, and says where it is.
 *
 * @module
 */
import { ensureNatsServer } from "./ensure.ts";
import { SetupError } from "./setup_error.ts";

const HELP = `Finds a nats-server, or fetches one, and says where it is.

Usage: deno task setup

It looks at NATS_SERVER, in PATH, in the project's cache (OUROCODUS_CACHE, else
XDG_CACHE_HOME/ourocodus, else ~/.cache/ourocodus) and in /usr/sbin. If none is
there it downloads the pinned release, or, as root, installs Debian's package.`;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(HELP);
    return 0;
  }
  if (args[0] !== undefined) {
    console.error(`Unknown argument "${args[0]}"\n\n${HELP}`);
    return 2;
  }
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => ending.abort());
  }
  try {
    const { path, version } = await ensureNatsServer({
      env: Deno.env.toObject(),
      say: (line) => console.log(line),
      signal: ending.signal,
    });
    console.log(`nats-server ${version}: ${path}`);
    return 0;
  } catch (error) {
    if (ending.signal.aborted) return 130;
    if (!(error instanceof SetupError)) throw error;
    console.error(error.code === "not-found" ? `\n${error.message}` : error.message);
    return 1;
  }
}

Deno.exit(await main(Deno.args));
