import type { Json, ProviderErrors } from "./dialect.ts";

/** Types, codes and messages. */
const ERRORS: ProviderErrors<readonly [type: string, code: string, message: string]> = {
  400: ["invalid_request_error", "invalid_value", "Invalid value: 'mock'."],
  401: ["invalid_request_error", "invalid_api_key", "Incorrect API key provided: test-key."],
  403: [
    "invalid_request_error",
    "model_not_allowed",
    "You are not allowed to sample from this model.",
  ],
  429: [
    "rate_limit_error",
    "rate_limit_exceeded",
    "Rate limit reached for mock-model in organization org-mock on requests per min (RPM).",
  ],
  500: [
    "server_error",
    "server_error",
    "The server had an error while processing your request. Sorry about that!",
  ],
  503: [
    "server_error",
    "server_error",
    "The server is currently overloaded with other requests. Please try again later.",
  ],
};

/** An error of OpenAI's APIs. Clients read the time to wait from the message. */
export function openAiError(status: number, retryAfterS: number): Json {
  const again = retryAfterS > 0 ? ` Please try again in ${retryAfterS}s.` : "";
  const [type, code, text] = ERRORS[status] ??
    ["server_error", "server_error", `mock ${status}.`];
  return { error: { message: `${text}${again}`, type, code, param: null } };
}
