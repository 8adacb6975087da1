import { isObject } from "@ourocodus/protocol";

/** A model that is not told how long its answer may get writes no more tokens than this. */
const MAX_OUTPUT_TOKENS = 128_000;
/** How the APIs call the limit of an answer, and the number of answers. */
const LIMITS = ["max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"];
const ANSWERS = ["n", "candidateCount"];

/**
 * The most tokens that a request can use, as far as can be said before it is sent: one for each byte,
 * as a token has at least one, and those of the longest answer. So much is reserved while it is under
 * way, and so much is counted if its answer does not tell.
 *
 * @param body The request's JSON.
 * @returns Undefined if it is no JSON object.
 */
export function requestBound(body: Uint8Array): number | undefined {
  const said = parsed(body);
  if (!isObject(said)) return undefined;
  const fields = { ...said, ...(isObject(said.generationConfig) ? said.generationConfig : {}) };
  const numbers = (names: readonly string[]) =>
    names.map((name) => fields[name]).filter((value) => Number.isSafeInteger(value)).map(Number);
  const limits = numbers(LIMITS);
  const output = limits.length === 0 ? MAX_OUTPUT_TOKENS : Math.max(0, ...limits);
  return body.length + output * Math.max(1, ...numbers(ANSWERS));
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}
