/**
 * Ports lie below those which systems hand out for outgoing connections (Linux from 32768, others
 * from 49152): a server that restarts on its port must not find it used by a connection, least of
 * all by a client that called this port while nobody listened and was given it as its own end.
 *
 * They are divided into blocks. Each test file reserves one for as long as it runs: files that run at
 * the same time, also those of another test run, never choose the same port, even while nobody
 * listens on it yet. A block is reserved by listening on its first port, which ends with the file.
 */
const FIRST_PORT = 20_000;
const BLOCK_PORTS = 50;
const BLOCKS = 240;
/** Ports that follow on each other are no neighbours: who finds one taken may try the next. */
const STEP = 13;

/** Reserved when this module is loaded: within a test, the sanitizers would call it a leak. */
const block = reserveBlock();
let handedOut = 0;

/**
 * Chooses a TCP port of 127.0.0.1 on which nobody listens. A file is given the same port again only
 * after 48 others.
 *
 * @returns A port between 20000 and 31999.
 * @throws {Error} If somebody listens on all ports of this file's block.
 */
export function freePort(): number {
  for (let tries = 1; tries < BLOCK_PORTS; tries++) {
    const port = block + 1 + (handedOut++ * STEP) % (BLOCK_PORTS - 1);
    if (listen(port, (listener) => listener.close())) return port;
  }
  throw new Error(`No free port found from ${block + 1} to ${block + BLOCK_PORTS - 1}`);
}

/** @returns The first port of a block that is now this file's. */
function reserveBlock(): number {
  const first = Math.floor(Math.random() * BLOCKS);
  for (let index = 0; index < BLOCKS; index++) {
    const port = FIRST_PORT + ((first + index) % BLOCKS) * BLOCK_PORTS;
    if (listen(port, () => {})) return port;
  }
  throw new Error(`All ${BLOCKS} blocks of ports from ${FIRST_PORT} on are reserved`);
}

/** @returns Whether it could be done: not if somebody listens there. */
function listen(port: number, use: (listener: Deno.Listener) => void): boolean {
  try {
    use(Deno.listen({ hostname: "127.0.0.1", port }));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
