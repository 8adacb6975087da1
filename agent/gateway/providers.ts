/**
 * The model providers that the gateway knows, as data: what may be asked of each, where its key goes,
 * and how its errors look. Nothing else gets through.
 *
 * @module
 */
import {
  chatUsage,
  geminiUsage,
  messagesUsage,
  type ReadUsage,
  responsesUsage,
} from "./api_usage.ts";

/** Whose API it is; also the first part of a path at the gateway: `/openai/responses`. */
export type ProviderName = "anthropic" | "openai" | "gemini";

/** A variable that has a key, and the header that the provider wants it in. */
export interface KeyVariable {
  readonly variable: string;
  readonly header: string;
  /** What comes before the key in it. */
  readonly prefix?: string;
}

/** Something that may be asked. */
export interface Route {
  readonly method: "GET" | "POST";
  /** Of the whole path below the provider's base URL. */
  readonly path: RegExp;
  /** How its tokens are read; absent for what costs none. */
  readonly usage?: ReadUsage;
}

/** A provider. */
export interface Provider {
  /** Where its keys are; the first that is set counts. */
  readonly keys: readonly KeyVariable[];
  /** The variable that names another base URL, and the provider's own. */
  readonly baseUrl: { readonly variable: string; readonly usual: string };
  readonly routes: readonly Route[];
  /** An error of the gateway in the provider's form. */
  readonly error: (status: number, message: string) => unknown;
}

const BEARER = { header: "authorization", prefix: "Bearer " };

/** All of them. */
export const PROVIDERS: Readonly<Record<ProviderName, Provider>> = {
  anthropic: {
    keys: [
      { variable: "ANTHROPIC_AUTH_TOKEN", ...BEARER },
      { variable: "ANTHROPIC_API_KEY", header: "x-api-key" },
    ],
    baseUrl: { variable: "ANTHROPIC_BASE_URL", usual: "https://api.anthropic.com" },
    routes: [
      { method: "POST", path: /^\/v1\/messages$/, usage: messagesUsage },
      { method: "POST", path: /^\/v1\/messages\/count_tokens$/ },
      { method: "GET", path: /^\/v1\/models(?:\/[\w.:-]+)?$/ },
    ],
    error: (status, message) => ({
      type: "error",
      error: { type: status === 429 ? "rate_limit_error" : "permission_error", message },
    }),
  },
  openai: {
    keys: [
      { variable: "CODEX_API_KEY", ...BEARER },
      { variable: "OPENAI_API_KEY", ...BEARER },
    ],
    // As OpenAI's own clients have it, with the version.
    baseUrl: { variable: "OPENAI_BASE_URL", usual: "https://api.openai.com/v1" },
    routes: [
      { method: "POST", path: /^\/responses(?:\/compact)?$/, usage: responsesUsage },
      { method: "POST", path: /^\/chat\/completions$/, usage: chatUsage },
      { method: "GET", path: /^\/models(?:\/[\w.:-]+)?$/ },
    ],
    error: (status, message) => ({
      error: { type: status === 429 ? "requests" : "invalid_request_error", code: null, message },
    }),
  },
  gemini: {
    keys: [
      { variable: "GEMINI_API_KEY", header: "x-goog-api-key" },
      { variable: "GOOGLE_API_KEY", header: "x-goog-api-key" },
    ],
    baseUrl: {
      variable: "GOOGLE_GEMINI_BASE_URL",
      usual: "https://generativelanguage.googleapis.com",
    },
    routes: [
      {
        method: "POST",
        path: /^\/v1(?:beta|alpha)?\/models\/[\w.-]+:(?:streamG|g)enerateContent$/,
        usage: geminiUsage,
      },
      { method: "POST", path: /^\/v1(?:beta|alpha)?\/models\/[\w.-]+:countTokens$/ },
      { method: "GET", path: /^\/v1(?:beta|alpha)?\/models(?:\/[\w.-]+)?$/ },
    ],
    error: (status, message) => ({
      error: {
        code: status,
        status: status === 429 ? "RESOURCE_EXHAUSTED" : "PERMISSION_DENIED",
        message,
      },
    }),
  },
};

/** Whether a text names a provider. */
export function isProviderName(text: string): text is ProviderName {
  return Object.hasOwn(PROVIDERS, text);
}
