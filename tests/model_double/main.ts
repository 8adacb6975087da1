/**
 * Runs the model's double until it is interrupted, for a look by hand at what an agent does:
 *
 *     deno run --allow-net=127.0.0.1 tests/model_double/main.ts [--port PORT]
 *
 * It prints `{"url": "http://127.0.0.1:PORT"}`, then each request as a line of JSON. What was asked
 * is at `GET /mock/requests`, and `POST /mock/reset` forgets it.
 *
 * @module
 */
import { startModelDouble } from "./mod.ts";

const { url } = await startModelDouble({
  port: Number(Deno.args.at(-1) ?? 0),
  onRequest: (request) => console.log(JSON.stringify(request)),
});
console.log(JSON.stringify({ url }));
