/**
 * The header `Prefer` of requests that can wait for a result.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { MAX_WAIT_SECONDS } from "../preferences.ts";

/** `Prefer: wait=30`. */
export const PreferSchema = z.string().optional().openapi({
  description: `\`wait=30\`: wait so many seconds, at most ${MAX_WAIT_SECONDS}, for the result ` +
    "(RFC 7240)",
  example: "wait=30",
});
