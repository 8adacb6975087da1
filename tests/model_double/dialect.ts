/** Any JSON object: the double reads as much of a request as it needs. */
export type Json = Record<string, unknown>;

/** A tool that the client offers. */
export interface Tool {
  readonly name: string;
  /** JSON Schema of its arguments. */
  readonly schema: Json;
  /** Whether it takes a text in place of arguments. */
  readonly freeform: boolean;
}

/** What people said, or the result of a tool. */
export interface Said {
  readonly kind: "prompt" | "result";
  readonly text: string;
}

/** A request, the same for all dialects. */
export interface Asked {
  readonly tools: readonly Tool[];
  /** In the order of the conversation. */
  readonly said: readonly Said[];
  /** All text, to find the working folder and to count tokens. */
  readonly all: string;
  readonly model: string;
  readonly stream: boolean;
  /** JSON Schema that the answer's text must match. */
  readonly outputSchema?: Json;
}

/** A call of a tool that the client offers. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly args: Json;
  /** The text for a freeform tool. */
  readonly raw?: string;
}

/** Why an answer ends: it is complete, it got too long, or the model refuses. */
export type Stop = "complete" | "max_tokens" | "refusal";

/** Tokens of one request. */
export interface Usage {
  /** Everything that was read, including `cached`. */
  readonly input: number;
  readonly output: number;
  /** How much of `input` came from a cache. */
  readonly cached: number;
}

/** An answer, the same for all dialects: a text or a call. */
export interface Reply {
  readonly thought?: string;
  readonly text?: string;
  readonly call?: ToolCall;
  readonly stop: Stop;
  readonly usage: Usage;
}

/** One server-sent event. */
export interface StreamEvent {
  readonly event?: string;
  /** A string is sent as it is, anything else as JSON. */
  readonly data: unknown;
}

/** How one API writes requests and answers. */
export interface Dialect {
  /** Its name in the list of requests. */
  readonly name: string;
  /** Reads a request. */
  read(body: Json, url: URL): Asked;
  /** Writes an answer that is not streamed. */
  whole(reply: Reply, asked: Asked): Json;
  /** Writes an answer as a stream. */
  events(reply: Reply, asked: Asked): StreamEvent[];
  /** Writes an error. @param retryAfterS Seconds to wait, 0 for no advice. */
  error(status: number, retryAfterS: number): Json;
}

/**
 * What a provider says when a request fails, by status. Agents hand these texts on, and people and
 * programs read them, so they are much like the real ones.
 */
export type ProviderErrors<T> = Readonly<Record<number, T>>;

/** The objects of a list in a request; none if it is not there. */
export function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value as Json[] : [];
}

/** An object in a request; an empty one if it is not there. */
export function object(value: unknown): Json {
  return (value ?? {}) as Json;
}

/** All text in a piece of content, in whatever form it is. */
export function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.map(textIn).filter(Boolean).join("\n");
  if (content === null || typeof content !== "object") return "";
  const { text, content: inner, parts, output } = content as Json;
  return [text, inner, parts, output].map(textIn).filter(Boolean).join("\n");
}

/** Cuts a text into pieces of 12 characters, as they are streamed. */
export function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,12}/g) ?? [];
}
