/**
 * A load process: a provider on loopback whose answers stream as many pieces as the query says. It
 * tells its URL.
 *
 * @module
 */
import { tell } from "./parent.ts";

/** About as large as a piece of a model's text is. */
const DELTA = `event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"some words of it"}}

`;
const END = `event: message_delta
data: {"type":"message_delta","delta":{},"usage":{"input_tokens":10,"output_tokens":5}}

`;
/** After so many pieces others have a turn. */
const AT_ONCE = 50;

const [delta, end] = [DELTA, END].map((text) => new TextEncoder().encode(text));

function pieces(count: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      if (sent === count) {
        controller.enqueue(end);
        controller.close();
      } else controller.enqueue(delta);
      if (++sent % AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    },
  }, { highWaterMark: 0 });
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => tell({ url: `http://127.0.0.1:${port}` }),
}, async (request) => {
  await request.body?.cancel();
  const count = Number(new URL(request.url).searchParams.get("pieces"));
  return new Response(pieces(count), { headers: { "content-type": "text/event-stream" } });
});
