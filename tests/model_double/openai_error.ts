import type { Json } from "./dialect.ts";
import { OPENAI_ERRORS } from "./provider_errors.ts";

/** An error of OpenAI's APIs. Clients read the time to wait from the message. */
export function openAiError(status: number, retryAfterS: number): Json {
  const again = retryAfterS > 0 ? ` Please try again in ${retryAfterS}s.` : "";
  const message = `${OPENAI_ERRORS[status] ?? `mock ${status}.`}${again}`;
  const [type, code] = {
    400: ["invalid_request_error", "invalid_value"],
    401: ["invalid_request_error", "invalid_api_key"],
    403: ["invalid_request_error", "model_not_allowed"],
    429: ["rate_limit_error", "rate_limit_exceeded"],
  }[status] ?? ["server_error", "server_error"];
  return { error: { message, type, code, param: null } };
}
