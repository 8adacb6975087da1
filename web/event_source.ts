/**
 * Server-sent events with a token: the browser's own `EventSource` cannot send a header. What comes
 * is taken apart by eventsource-parser.
 *
 * It comes back by itself, with the id of the last event that it got, until it is closed. A page
 * that nobody sees has no connection: a browser has six for a server, for all its tabs together.
 *
 * @module
 */
import { createParser } from "eventsource-parser";
import { ApiError, refusalOf } from "./api.ts";
import { noteRefused, token, tokenHeaders } from "./token.ts";

/** One event. */
export interface ServerEvent {
  /** `message` where it has no name. */
  readonly name: string;
  readonly data: string;
}

/** Whom it tells. */
export interface EventListener {
  onEvent(event: ServerEvent): void;
  /**
   * The connection ended, or never came to be; it tries again.
   *
   * @param refusal What the API says instead of opening it; undefined if it says nothing.
   */
  onLost?(refusal: ApiError | undefined): void;
}

const RETRY_MS = 1_000;
/** After an answer that is no stream. */
const REFUSED_RETRY_MS = 2_000;
/** An idle stream is heard of every 15 s; one that is silent for this long is dead. */
const SILENCE_MS = 40_000;

/**
 * Follows a stream.
 *
 * @param url Where it is.
 * @returns Ends that.
 */
export function followEvents(url: string, listener: EventListener): () => void {
  const abort = new AbortController();
  void follow(url, listener, abort.signal);
  return () => abort.abort();
}

async function follow(url: string, listener: EventListener, signal: AbortSignal): Promise<void> {
  let lastId = "";
  while (!signal.aborted) {
    await seen(signal);
    let pause = RETRY_MS;
    let refusal: ApiError | undefined;
    const used = token.value;
    const watch = watchAttempt(used);
    try {
      const response = await fetch(url, {
        headers: {
          accept: "text/event-stream",
          ...tokenHeaders(),
          ...(lastId !== "" && { "last-event-id": lastId }),
        },
        signal: AbortSignal.any([signal, watch.signal]),
      });
      if (response.ok && response.body !== null) {
        await read(response.body, listener, { heard: watch.heard, note: (id) => lastId = id });
      } else {
        refusal = new ApiError(await refusalOf(response), response.status);
        if (refusal.status === 401) noteRefused(used, refusal.message);
        pause = REFUSED_RETRY_MS;
      }
    } catch {
      // Whatever went wrong, it is tried again.
    } finally {
      watch.end();
    }
    if (signal.aborted) return;
    if (document.visibilityState === "hidden") continue;
    listener.onLost?.(refusal);
    await wait(pause, signal);
  }
}

/** Ends an attempt that is of no use any more. */
function watchAttempt(used: string | undefined): {
  readonly signal: AbortSignal;
  heard(): void;
  end(): void;
} {
  const over = new AbortController();
  const abort = () => over.abort();
  const hide = () => document.visibilityState === "hidden" && abort();
  let silence = setTimeout(abort, SILENCE_MS);
  // Another token is another connection.
  const unlisten = token.subscribe((value) => value !== used && abort());
  document.addEventListener("visibilitychange", hide);
  return {
    signal: over.signal,
    heard() {
      clearTimeout(silence);
      silence = setTimeout(abort, SILENCE_MS);
    },
    end() {
      clearTimeout(silence);
      unlisten();
      document.removeEventListener("visibilitychange", hide);
    },
  };
}

async function read(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  listener: EventListener,
  { heard, note }: { heard(): void; note(id: string): void },
): Promise<void> {
  const parser = createParser({
    onEvent({ id, event: name = "message", data }) {
      if (id !== undefined) note(id);
      listener.onEvent({ name, data });
    },
  });
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    parser.feed(value);
  }
}

/** Waits until the page can be seen. */
async function seen(signal: AbortSignal): Promise<void> {
  while (document.visibilityState === "hidden" && !signal.aborted) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const change = () => resolve();
    document.addEventListener("visibilitychange", change, { once: true, signal });
    signal.addEventListener("abort", change, { once: true });
    await promise;
    signal.removeEventListener("abort", change);
  }
}

/** Waits, but not for longer than until there is another token. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const used = token.value;
  const unlisten = token.subscribe((value) => value !== used && resolve());
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    unlisten();
  });
}
