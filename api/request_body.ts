/**
 * A request's body, read whole before anything is done with it, within limits.
 *
 * @module
 */
import { ProblemError } from "./problem.ts";

/** Limits of a body. */
export interface BodyLimits {
  /** In bytes. */
  readonly maxBytes: number;
  /** How long it may take to come, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Reads it.
 *
 * @throws {ProblemError} If it is too large, comes too slowly, or breaks off.
 */
export async function readBody(
  { body, headers }: Request,
  { maxBytes, timeoutMs }: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return new Uint8Array();
  const length = Number(headers.get("content-length") ?? 0);
  if (length > maxBytes) {
    await body.cancel();
    throw last("too_large", `the body is ${length} bytes, limit is ${maxBytes}`);
  }
  let bytes = 0;
  const limited = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, controller) {
      bytes += part.length;
      if (bytes > maxBytes) {
        throw last("too_large", `the body is more than ${maxBytes} bytes, which is the limit`);
      }
      controller.enqueue(part);
    },
  });
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    return await new Response(body.pipeThrough(limited, { signal: late.signal })).bytes();
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    if (late.signal.aborted) {
      throw last("too_slow", `the body did not come within ${timeoutMs} ms`);
    }
    throw last("invalid_request", "the body broke off");
  } finally {
    clearTimeout(timer);
  }
}

/** What is left of the body is not read, so no other request can follow it. */
function last(kind: "too_large" | "too_slow" | "invalid_request", detail: string): ProblemError {
  return new ProblemError(kind, detail, { headers: { connection: "close" } });
}
