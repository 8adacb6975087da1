/**
 * The ports to choose from. They lie below those which systems hand out for outgoing connections
 * (Linux from 32768, others from 49152): a server that restarts on its port must not find it used
 * by somebody's connection, least of all by a client which, calling that very port while nobody
 * listens, was given it as its own end and so connected to itself.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 31_999;

/**
 * Finds a TCP port of 127.0.0.1 on which nobody listens at this moment.
 *
 * @returns A port between 20000 and 31999.
 * @throws {Error} If 100 ports at random were all taken.
 */
export function freePort(): number {
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    if (isFree(port)) return port;
  }
  throw new Error(`No free port found between ${FIRST_PORT} and ${LAST_PORT}`);
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
