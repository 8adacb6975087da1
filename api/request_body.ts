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
  const reader = body.getReader();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void reader.cancel().catch(() => {});
  }, timeoutMs);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) throw last("too_slow", `the body did not come within ${timeoutMs} ms`);
      if (done) return joined(parts, bytes);
      bytes += value.length;
      if (bytes > maxBytes) {
        await reader.cancel();
        throw last("too_large", `the body is more than ${maxBytes} bytes, which is the limit`);
      }
      parts.push(value);
    }
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw last("invalid_request", "the body broke off");
  } finally {
    clearTimeout(timer);
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What is left of the body is not read, so no other request can follow it. */
function last(kind: "too_large" | "too_slow" | "invalid_request", detail: string): ProblemError {
  return new ProblemError(kind, detail, { headers: { connection: "close" } });
}
