import { DemoError } from "./demo_error.ts";

/** How many ports after the wanted one are tried. */
const TRIES = 100;

/** Somebody else has the port. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
}

/**
 * Starts something on the wanted port of 127.0.0.1, or on the next one that nobody uses.
 *
 * @param wanted The port.
 * @param start Starts it on a port; it throws {@linkcode PortTakenError} if somebody else took the
 * port in the meantime, as a second demo may.
 * @returns The port.
 * @throws {DemoError} If all of the 100 ports are taken.
 */
export async function onFreePort(
  wanted: number,
  start: (port: number) => Promise<void>,
): Promise<number> {
  for (let port = wanted; port < wanted + TRIES; port++) {
    if (!isFree(port)) continue;
    try {
      await start(port);
      return port;
    } catch (error) {
      if (!(error instanceof PortTakenError)) throw error;
    }
  }
  throw new DemoError(`All ports from ${wanted} to ${wanted + TRIES - 1} are taken`);
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
