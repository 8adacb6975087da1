/**
 * One request, passed on to its provider, and its answer, passed back.
 *
 * @module
 */
import { messageOf } from "@ourocodus/protocol";
import type { Clock } from "../clock.ts";
import { answerStream } from "./answer_stream.ts";
import { answerHeaders, requestHeaders } from "./headers.ts";
import type { Charge } from "./charges.ts";
import { PROVIDERS, type Route } from "./providers.ts";
import type { RecordedAnswer } from "./recording.ts";
import type { Upstream } from "./upstreams.ts";
import { UsageReader } from "./usage_reader.ts";

/** A request that may pass. */
export interface PassingRequest {
  readonly request: Request;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Path and query below the provider's base URL. */
  readonly path: string;
  readonly upstream: Upstream;
  readonly route: Route;
  /** Absent for what costs no tokens. */
  readonly charge: Charge | undefined;
  /** Keeps the answer, if it is to be kept. */
  readonly record: RecordedAnswer | undefined;
}

/** What passing on needs. */
export interface PassOnOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly client: Deno.HttpClient;
  readonly clock: Clock;
  /** How long the provider may be silent, in milliseconds. */
  readonly idleMs: number;
}

/** Errors are looked through for the key, as far as this, in bytes. */
const MAX_ERROR_BYTES = 256 * 1024;

/** @throws If the provider cannot be reached, or the client leaves. */
export async function passOn(
  { request, body, path, upstream, route, charge, record }: PassingRequest,
  { signal, client, clock, idleMs }: PassOnOptions,
): Promise<Response> {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort);
  const callOff = clock.after(idleMs, () => {
    stop.abort(new Error(`it did not answer for ${idleMs / 1_000} s`));
  });
  const finish = () => signal.removeEventListener("abort", onAbort);
  try {
    signal.throwIfAborted();
    const answer = await fetch(`${upstream.baseUrl}${path}`, {
      method: request.method,
      headers: requestHeaders(request.headers, upstream),
      ...(request.method === "POST" && { body }),
      redirect: "manual",
      signal: stop.signal,
      client,
    });
    record?.answer(answer.status, answer.headers.get("content-type"));
    if (answer.ok) {
      callOff();
      return passBack(answer);
    }
    charge?.nothing();
    const error = await errorOf(answer, upstream, record);
    callOff();
    finish();
    return error;
  } catch (error) {
    callOff();
    finish();
    record?.end(false);
    if (isUnsent(error)) charge?.nothing();
    else charge?.answered(undefined);
    throw error;
  }

  function passBack(answer: Response): Response {
    const headers = answerHeaders(answer.headers, upstream);
    const reader = route.usage &&
      new UsageReader(route.usage, answer.headers.get("content-type"));
    const onEnd = (isWhole: boolean) => {
      finish();
      record?.end(isWhole);
      charge?.answered(reader?.end(isWhole));
    };
    if (answer.body === null) {
      onEnd(true);
      return new Response(null, { status: answer.status, headers });
    }
    const passing = answerStream(answer.body, {
      onChunk: (chunk) => {
        reader?.add(chunk);
        record?.chunk(chunk);
      },
      onEnd,
      signal: stop.signal,
      clock,
      idleMs,
    });
    return new Response(passing, { status: answer.status, headers });
  }
}

/** Whether no connection was made. Deno says so in a text alone (2.9). */
function isUnsent(error: unknown): boolean {
  return reasonOf(error).includes("client error (Connect)");
}

/** Why a request has failed: an error of `fetch` says it in its cause. */
export function reasonOf(error: unknown): string {
  const isFetch = error instanceof TypeError && error.cause !== undefined;
  return messageOf(isFetch ? error.cause : error);
}

/** An error, or a redirect, of a provider: some quote the key that they were given. */
async function errorOf(
  answer: Response,
  upstream: Upstream,
  record: RecordedAnswer | undefined,
): Promise<Response> {
  const { provider, key } = upstream;
  if (answer.status < 400) {
    await answer.body?.cancel();
    const message = `The provider answered ${answer.status}, and redirects are not followed`;
    return Response.json(PROVIDERS[provider].error(502, message), { status: 502 });
  }
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    record?.chunk(chunk);
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ERROR_BYTES) break;
  }
  record?.end(true);
  const headers = answerHeaders(answer.headers, upstream);
  return new Response(text.replaceAll(key, "[key]"), { status: answer.status, headers });
}
