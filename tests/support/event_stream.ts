/**
 * A client of the API's event stream that tests can cut at any place.
 *
 * @module
 */
import { EventSourceParserStream } from "eventsource-parser/stream";

/** One server-sent event. */
export interface StreamedEvent {
  /** Undefined of events that are about the stream. */
  readonly id?: number;
  /** `message` where it has no name. */
  readonly name: string;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/**
 * Reads events until enough have come.
 *
 * @param url Of the stream, with its query.
 * @param options `lastEventId`: where to go on. `until`: told of each event; `true` cuts the stream.
 * @returns All events that came, the last one included. Ends too when the server ends the stream.
 */
export async function readEvents(
  url: string,
  options: {
    readonly lastEventId?: number;
    readonly until: (event: StreamedEvent) => boolean;
    readonly signal?: AbortSignal;
  },
): Promise<StreamedEvent[]> {
  const { lastEventId, until, signal } = options;
  const abort = new AbortController();
  const ended = signal === undefined ? abort.signal : AbortSignal.any([abort.signal, signal]);
  const response = await fetch(url, {
    headers: lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) },
    signal: ended,
  });
  if (response.status !== 200 || response.body === null) {
    throw new Error(`${url} answers ${response.status}: ${await response.text()}`);
  }
  const events: StreamedEvent[] = [];
  const messages = response.body.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  try {
    for await (const { id, event: name = "message", data } of messages) {
      const event = { ...(id !== undefined && { id: Number(id) }), name, data: JSON.parse(data) };
      events.push(event);
      if (until(event)) {
        abort.abort();
        return events;
      }
    }
  } catch (error) {
    // A server that is killed breaks the stream off in the middle.
    if (!(error instanceof TypeError) && !ended.aborted) throw error;
  }
  return events;
}
