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
 * The same request with its body in memory.
 *
 * @throws {ProblemError} If it is too large, comes too slowly, or breaks off.
 */
export async function withBody(request: Request, limits: BodyLimits): Promise<Request> {
  const { url, method, headers, body } = request;
  if (body === null || method === "GET" || method === "HEAD") return request;
  const length = Number(headers.get("content-length") ?? 0);
  if (length > limits.maxBytes) {
    await body.cancel();
    throw tooLarge(`the body is ${length} bytes, limit is ${limits.maxBytes}`);
  }
  return new Request(url, { method, headers, body: await read(body, limits) });
}

async function read(
  body: ReadableStream<Uint8Array>,
  { maxBytes, timeoutMs }: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
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
      if (late) throw malformed(`the body did not come within ${timeoutMs} ms`);
      if (done) break;
      bytes += value.length;
      if (bytes > maxBytes) {
        await reader.cancel();
        throw tooLarge(`the body is more than ${maxBytes} bytes`);
      }
      parts.push(value);
    }
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw malformed("the body broke off");
  } finally {
    clearTimeout(timer);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function tooLarge(detail: string): ProblemError {
  return new ProblemError("too_large", detail, { headers: { connection: "close" } });
}

function malformed(detail: string): ProblemError {
  return new ProblemError("invalid_request", detail, { headers: { connection: "close" } });
}
