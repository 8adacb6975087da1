import { createParser } from "eventsource-parser";
import type { ReadUsage, TokenUsage, UsageSoFar } from "./api_usage.ts";

/** An event of a stream, or a JSON answer, that is larger is not read: its tokens are unknown. */
const MAX_CHARS = 32 * 1024 * 1024;
/** In each API an event without this word tells nothing of tokens; most events are spared parsing. */
const WORD = "usage";

/**
 * Reads the tokens of one answer as it passes by, in pieces that may end anywhere, also within a
 * character.
 */
export class UsageReader {
  readonly #read: ReadUsage;
  readonly #decoder = new TextDecoder();
  readonly #feed: (text: string) => void;
  readonly #ended: () => void;
  #soFar: UsageSoFar = { isFinal: false };
  #isLost = false;

  /** @param contentType The answer's; anything but `text/event-stream` is read as JSON. */
  constructor(read: ReadUsage, contentType: string | null) {
    this.#read = read;
    const isStream = /^text\/event-stream\b/i.test(contentType ?? "");
    [this.#feed, this.#ended] = isStream ? this.#events() : this.#json();
  }

  /** Takes the next piece of the answer. */
  add(bytes: Uint8Array): void {
    if (!this.#isLost) this.#feed(this.#decoder.decode(bytes, { stream: true }));
  }

  /**
   * The answer has ended.
   *
   * @param isWhole False if it was cut, or nobody wanted the rest.
   * @returns Undefined if its tokens are not known.
   */
  end(isWhole: boolean): TokenUsage | undefined {
    if (this.#isLost) return undefined;
    if (isWhole) this.#ended();
    return isWhole || this.#soFar.isFinal ? this.#soFar.usage : undefined;
  }

  #events(): [(text: string) => void, () => void] {
    const parser = createParser({
      maxBufferSize: MAX_CHARS,
      onEvent: ({ data }) => {
        if (data.includes(WORD)) this.#take(data);
      },
      onError: ({ type }) => {
        if (type === "max-buffer-size-exceeded") this.#isLost = true;
      },
    });
    // A last event may lack the empty line after it.
    return [(text) => parser.feed(text), () => parser.feed("\n\n")];
  }

  #json(): [(text: string) => void, () => void] {
    let whole = "";
    const add = (text: string) => {
      if (whole.length + text.length > MAX_CHARS) this.#isLost = true;
      else whole += text;
    };
    return [add, () => this.#take(whole)];
  }

  #take(json: string): void {
    try {
      this.#soFar = this.#read(JSON.parse(json), this.#soFar);
    } catch {
      // `[DONE]`, or no JSON: it tells nothing.
    }
  }
}
