import type { Json } from "./dialect.ts";

/** An error of OpenAI's APIs. Clients read the time to wait from the message. */
export function openAiError(status: number, retryAfterS: number): Json {
  const again = retryAfterS > 0 ? ` Please try again in ${retryAfterS}s.` : "";
  const [type, code] = {
    401: ["invalid_request_error", "invalid_api_key"],
    429: ["rate_limit_error", "rate_limit_exceeded"],
  }[status] ?? ["server_error", "server_error"];
  return { error: { message: `mock ${status}.${again}`, type, code, param: null } };
}
