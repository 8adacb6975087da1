import type { Asked, Dialect, Reply } from "./dialect.ts";
import { type Place, type Step, timesOf } from "./script.ts";

/** How a stream ends. */
export type Ending = "whole" | "cut" | "hang";

/** How an answer is given. */
export interface Manner {
  /** An error in its place. */
  readonly failure?: { readonly status: number; readonly retryAfterS?: number };
  /** Time before it begins, in milliseconds. */
  readonly delayMs: number;
  /** Time between the pieces of a stream, in milliseconds. */
  readonly trickleMs: number;
  readonly ending: Ending;
}

/** How often each word that counts was met, by API, prompt and step. */
export type Counts = Map<string, number>;

/** How long a stream that is cut waits first, so that what came before has arrived. */
const BEFORE_CUT_MS = 50;

/**
 * Decides how a step is answered: `fail`, `hang` and `cut` count.
 *
 * @param counts Is changed: this request is counted.
 */
export function mannerOf(counts: Counts, api: string, { key, step }: Place): Manner {
  let manner: Manner = { delayMs: 0, trickleMs: 0, ending: "whole" };
  for (const [index, [word, ...args]] of step.before.entries()) {
    const [first, second, third] = args;
    const due = (times: number) => countOf(counts, `${api} ${index} ${key}`) < times;
    switch (word) {
      case "slow":
        manner = { ...manner, delayMs: manner.delayMs + Number(first ?? 1) * 1_000 };
        break;
      case "trickle":
        manner = { ...manner, trickleMs: Number(first ?? 100) };
        break;
      case "hang":
      case "cut":
        if (due(timesOf(first))) manner = { ...manner, ending: word };
        break;
      case "fail": {
        if (!due(timesOf(second))) break;
        const retryAfterS = third === undefined ? undefined : Number(third);
        return { ...manner, failure: { status: Number(first ?? 500), retryAfterS } };
      }
    }
  }
  return manner;
}

/**
 * Gives an answer.
 *
 * @param options `onGone` is called if the client leaves before the end.
 */
export async function respond(
  dialect: Dialect,
  asked: Asked,
  options: { readonly manner: Manner; readonly reply: () => Reply; readonly onGone: () => void },
): Promise<Response> {
  const { manner, reply, onGone } = options;
  if (manner.delayMs > 0) await pause(manner.delayMs);
  if (manner.failure !== undefined) {
    const { status, retryAfterS } = manner.failure;
    const headers = retryAfterS === undefined ? undefined : { "retry-after": String(retryAfterS) };
    return Response.json(dialect.error(status, retryAfterS ?? 0), { status, headers });
  }
  if (!asked.stream && manner.ending === "whole") {
    return Response.json(dialect.whole(reply(), asked));
  }
  const events = dialect.events(reply(), asked).map(({ event, data }) => {
    const name = event === undefined ? "" : `event: ${event}\n`;
    return `${name}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
  });
  return new Response(streamOf(events, manner, onGone), {
    headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
  });
}

/** A step in the words of its script. */
export function stepText({ verb, args }: Step): string {
  return [verb, ...args].join(" ").slice(0, 200);
}

function countOf(counts: Counts, key: string): number {
  const count = counts.get(key) ?? 0;
  counts.set(key, count + 1);
  return count;
}

function streamOf(
  events: readonly string[],
  { trickleMs, ending }: Manner,
  onGone: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const last = ending === "whole" ? events.length : Math.floor(events.length / 2);
  let gone = false;
  async function send(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (const event of events.slice(0, last)) {
      if (gone) return;
      controller.enqueue(encoder.encode(event));
      if (trickleMs > 0) await pause(trickleMs);
    }
    if (ending === "hang" || gone) return;
    if (ending === "whole") return controller.close();
    await pause(BEFORE_CUT_MS);
    if (!gone) controller.error(new Error("cut"));
  }
  return new ReadableStream({
    start(controller) {
      // Not awaited: a stream whose start goes on cannot be cancelled by a client that leaves.
      send(controller).catch((error) => controller.error(error));
    },
    cancel() {
      gone = true;
      onGone();
    },
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
