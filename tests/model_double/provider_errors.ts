/**
 * What providers say when a request fails. Agents hand these texts on, and people and programs read
 * them, so they are much like the real ones.
 */
export interface ProviderErrors {
  readonly [status: number]: string | undefined;
}

/** Anthropic's. */
export const ANTHROPIC_ERRORS: ProviderErrors = {
  400: "messages: at least one message is required",
  401: "invalid x-api-key",
  403: "Your API key does not have permission to use the specified resource.",
  429: "This request would exceed your account's rate limit. Please try again later.",
  500: "Internal server error",
  529: "Overloaded",
};

/** OpenAI's. */
export const OPENAI_ERRORS: ProviderErrors = {
  400: "Invalid value: 'mock'.",
  401: "Incorrect API key provided: test-key.",
  403: "You are not allowed to sample from this model.",
  429: "Rate limit reached for mock-model in organization org-mock on requests per min (RPM).",
  500: "The server had an error while processing your request. Sorry about that!",
  503: "The server is currently overloaded with other requests. Please try again later.",
};

/** Google's. */
export const GEMINI_ERRORS: ProviderErrors = {
  400: "Invalid value at 'contents'.",
  401: "API key not valid. Please pass a valid API key.",
  403: "The caller does not have permission",
  429: "You exceeded your current quota, please check your plan and billing details.",
  500: "An internal error has occurred.",
  503: "The model is overloaded. Please try again later.",
};
