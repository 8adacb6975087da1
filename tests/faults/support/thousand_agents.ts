/**
 * A thousand agents of the SDK in one process, ten for each of a hundred roles in ten sessions.
 * Its argument is the relay's URL. Once all have lost their connection it says so, and how the
 * times after which they come back are spread: `disconnected 1000`, `spread [n, n, …]`, how many in
 * each tenth of the longest time.
 *
 * @module
 */
import { serve } from "@ourocodus/agent";

const AGENTS = 1_000;
const BACKOFF_MS = 500;
const spread = new Array<number>(10).fill(0);
let disconnected = 0;

function lost(retryMs: number): void {
  const tenth = Math.floor(retryMs / (BACKOFF_MS / spread.length));
  spread[tenth] = (spread[tenth] ?? 0) + 1;
  if (++disconnected !== AGENTS) return;
  console.log(`spread ${JSON.stringify(spread)}`);
  console.log(`disconnected ${AGENTS}`);
}

const [relayUrl = ""] = Deno.args;
await Promise.all(Array.from({ length: AGENTS }, (_, n) =>
  serve({
    relayUrl,
    session: `s${n % 10}`,
    role: `r${n % 100}`,
    agentId: `a${n}`,
    backoffBaseMs: BACKOFF_MS,
    onEvent: (event) => {
      if (event.type === "disconnected" && event.code !== 1000) lost(event.retryMs);
    },
  }, ({ id }) => ({ id }))));
