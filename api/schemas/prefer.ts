/**
 * The header `Prefer` of requests that can wait for a result.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { MAX_WAIT_SECONDS } from "../preferences.ts";

/** `Prefer: wait=30`. */
export const PreferSchema = z.string().optional().openapi({
  description: `\`wait=30\`: wait this many seconds for the result, at most ${MAX_WAIT_SECONDS} ` +
    "(RFC 7240)",
  example: "wait=30",
});
