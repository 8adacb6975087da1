/**
 * Where each API tells the tokens of a request: in a JSON answer, or in the events of a stream.
 *
 * | API                     | in JSON         | in a stream                                            |
 * | ----------------------- | --------------- | ------------------------------------------------------ |
 * | Anthropic Messages      | `usage`         | `message_start`, then `message_delta`, which has the sum |
 * | OpenAI Responses        | `usage`         | the last event, in `response.usage`                    |
 * | OpenAI Chat Completions | `usage`         | a chunk, if the client has asked for it                |
 * | Gemini                  | `usageMetadata` | each chunk has the sum so far                          |
 *
 * @module
 */
import { isObject } from "@ourocodus/protocol";

/** Tokens of one request. Unknown is left out, never zero. */
export interface TokenUsage {
  /** Tokens that the model read, those from its cache included. */
  readonly input: number;
  readonly output: number;
  /** Of the input, tokens that came from the model's cache. */
  readonly cached?: number;
}

/** What is known of a request's tokens while its answer arrives. */
export interface UsageSoFar {
  /** The newest numbers. */
  readonly usage?: TokenUsage;
  /** No later event changes them, so they count even if the stream is cut now. */
  readonly isFinal: boolean;
}

/** Reads a JSON answer, or an event of a stream. @param before What earlier events told. */
export type ReadUsage = (said: unknown, before: UsageSoFar) => UsageSoFar;

type Fields = Readonly<Record<string, unknown>>;

/** Anthropic: cached tokens are counted apart from `input_tokens`. */
export function messagesUsage(said: unknown, before: UsageSoFar): UsageSoFar {
  const { type, message, usage } = fields(said);
  if (type === "message_start") {
    return { usage: messagesTokens(fields(message).usage), isFinal: false };
  }
  if (type !== "message_delta" && type !== "message") return before;
  const now = messagesTokens(usage, before.usage);
  return now === undefined ? before : { usage: now, isFinal: true };
}

/** @param before Counts are sums, and a delta need not repeat those of the input. */
function messagesTokens(usage: unknown, before?: TokenUsage): TokenUsage | undefined {
  const said = fields(usage);
  const output = count(said.output_tokens);
  const plain = count(said.input_tokens);
  const cached = count(said.cache_read_input_tokens);
  const written = count(said.cache_creation_input_tokens) ?? 0;
  const read = plain === undefined ? undefined : plain + written + (cached ?? 0);
  const input = largest(read, before?.input);
  if (input === undefined || output === undefined) return undefined;
  return tokens(input, output, largest(cached, before?.cached));
}

/** OpenAI's Responses. */
export function responsesUsage(said: unknown, before: UsageSoFar): UsageSoFar {
  const { response = said } = fields(said);
  const { usage } = fields(response);
  const { input_tokens, output_tokens, input_tokens_details } = fields(usage);
  const [input, output] = [count(input_tokens), count(output_tokens)];
  if (input === undefined || output === undefined) return before;
  const cached = count(fields(input_tokens_details).cached_tokens);
  return { usage: tokens(input, output, cached), isFinal: true };
}

/** OpenAI's Chat Completions; some servers tell the sum so far in each chunk. */
export function chatUsage(said: unknown, before: UsageSoFar): UsageSoFar {
  const { usage, choices, object } = fields(said);
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = fields(usage);
  const [input, output] = [count(prompt_tokens), count(completion_tokens)];
  if (input === undefined || output === undefined) return before;
  const cached = count(fields(prompt_tokens_details).cached_tokens);
  const rest = Array.isArray(choices) ? choices.map(fields) : [];
  const isFinal = object !== "chat.completion.chunk" ||
    rest.every(({ finish_reason }) => typeof finish_reason === "string");
  return { usage: tokens(input, output, cached), isFinal };
}

/** Gemini; without `alt=sse` a stream is one JSON array. */
export function geminiUsage(said: unknown, before: UsageSoFar): UsageSoFar {
  if (Array.isArray(said)) {
    return said.reduce((sum: UsageSoFar, chunk) => geminiUsage(chunk, sum), before);
  }
  const { usageMetadata, candidates } = fields(said);
  const now = fields(usageMetadata);
  const prompt = count(now.promptTokenCount);
  if (prompt === undefined) return before;
  const input = prompt + (count(now.toolUsePromptTokenCount) ?? 0);
  const parts = [now.candidatesTokenCount, now.thoughtsTokenCount].map(count);
  const told = parts.some((part) => part !== undefined);
  const total = count(now.totalTokenCount);
  if (!told && total === undefined) return before;
  const output = Math.max((parts[0] ?? 0) + (parts[1] ?? 0), (total ?? 0) - input);
  const all = Array.isArray(candidates) ? candidates.map(fields) : [];
  const isFinal = all.some(({ finishReason }) => typeof finishReason === "string");
  return { usage: tokens(input, output, count(now.cachedContentTokenCount)), isFinal };
}

function tokens(input: number, output: number, cached: number | undefined): TokenUsage {
  return { input, output, ...(cached !== undefined && { cached }) };
}

function fields(value: unknown): Fields {
  return isObject(value) ? value : {};
}

function count(value: unknown): number | undefined {
  const isCount = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  return isCount ? value : undefined;
}

function largest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? a ?? b : Math.max(a, b);
}
