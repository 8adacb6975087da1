/**
 * Server-sent events with a token: the browser's own `EventSource` cannot send a header.
 *
 * It comes back by itself, with the id of the last event that it got, until it is closed.
 *
 * @module
 */
import { refusalOf } from "./api.ts";
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
  /** The connection ended, or never came to be; it tries again. */
  onLost?(): void;
}

const RETRY_MS = 1_000;
/** After an answer that is no stream. */
const REFUSED_RETRY_MS = 2_000;

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
  const note = (id: string) => lastId = id;
  while (!signal.aborted) {
    let pause = RETRY_MS;
    try {
      const used = token.value;
      const headers = { ...tokenHeaders(), ...(lastId !== "" && { "last-event-id": lastId }) };
      // Another token is another connection.
      const changed = new AbortController();
      const unlisten = token.subscribe((value) => value !== used && changed.abort());
      try {
        const response = await fetch(url, {
          headers: { accept: "text/event-stream", ...headers },
          signal: AbortSignal.any([signal, changed.signal]),
        });
        if (response.status === 401) noteRefused(used, await refusalOf(response));
        if (response.ok && response.body !== null) await read(response.body, listener, note);
        else pause = REFUSED_RETRY_MS;
      } finally {
        unlisten();
      }
    } catch {
      // Whatever went wrong, it is tried again.
    }
    if (signal.aborted) return;
    listener.onLost?.();
    await wait(pause, signal);
  }
}

async function read(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  listener: EventListener,
  note: (id: string) => void,
): Promise<void> {
  let text = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const { id, event } = parseBlock(block);
      if (id !== undefined) note(id);
      if (event !== undefined) listener.onEvent(event);
    }
  }
}

/** Takes a block of lines apart (HTML standard, "server-sent events"), as far as ours go. */
export function parseBlock(
  block: string,
): { readonly id: string | undefined; readonly event: ServerEvent | undefined } {
  let id: string | undefined;
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "id") id = value;
    else if (field === "event") name = value;
    else if (field === "data") data.push(value);
  }
  return { id, event: data.length === 0 ? undefined : { name, data: data.join("\n") } };
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
