/**
 * How each coding agent is pointed to the model gateway, as data. `{url}` stands for the provider's
 * address at the gateway, `{token}` for what is shown there in the place of a key.
 *
 * @module
 */
import type { ProviderName } from "../../gateway/mod.ts";

/** A JSON object. */
export type JsonObject = { readonly [name: string]: unknown };

/** What points an agent to one provider at the gateway. */
export interface GatewayPointer {
  /** Variables to set. */
  readonly env?: Readonly<Record<string, string>>;
  /** What is laid over the JSON in {@linkcode GatewaySetup.configVariable}, key by key. */
  readonly config?: JsonObject;
}

/** How an agent is pointed to the gateway. */
export interface GatewaySetup {
  /** The providers that it can ask through the gateway. */
  readonly providers: Readonly<Partial<Record<ProviderName, GatewayPointer>>>;
  /** The variable that has its configuration as JSON. */
  readonly configVariable?: string;
}

const ANTHROPIC: GatewayPointer = {
  env: { ANTHROPIC_BASE_URL: "{url}", ANTHROPIC_API_KEY: "{token}" },
};
const OPENAI: GatewayPointer = { env: { OPENAI_BASE_URL: "{url}", OPENAI_API_KEY: "{token}" } };
const GEMINI: GatewayPointer = {
  env: { GOOGLE_GEMINI_BASE_URL: "{url}", GEMINI_API_KEY: "{token}" },
};

/** Claude Code takes both from its environment. */
export const CLAUDE_GATEWAY: GatewaySetup = { providers: { anthropic: ANTHROPIC } };

/**
 * Codex knows no variable for the address, and writes a key that it finds in `OPENAI_API_KEY` into its
 * home's `auth.json`, over a login that is there. So it gets a provider, and a variable, of its own.
 */
export const CODEX_GATEWAY: GatewaySetup = {
  configVariable: "CODEX_CONFIG",
  providers: {
    openai: {
      env: { CODEX_GATEWAY_TOKEN: "{token}" },
      config: {
        model_provider: "gateway",
        model_providers: {
          gateway: {
            name: "gateway",
            base_url: "{url}",
            wire_api: "responses",
            env_key: "CODEX_GATEWAY_TOKEN",
          },
        },
      },
    },
  },
};

/** Gemini CLI takes both from its environment. */
export const GEMINI_GATEWAY: GatewaySetup = { providers: { gemini: GEMINI } };

/**
 * opencode's own providers are told in its configuration. One of the user's, as of any server that
 * speaks Chat Completions, may refer to the variables: `"baseURL": "{env:OPENAI_BASE_URL}"`.
 */
export const OPENCODE_GATEWAY: GatewaySetup = {
  configVariable: "OPENCODE_CONFIG_CONTENT",
  providers: {
    anthropic: { ...ANTHROPIC, config: opencodeProvider("anthropic", "{url}/v1") },
    openai: { ...OPENAI, config: opencodeProvider("openai", "{url}") },
    gemini: { ...GEMINI, config: opencodeProvider("google", "{url}/v1beta") },
  },
};

/** Qwen Code takes both from its environment. */
export const QWEN_GATEWAY: GatewaySetup = { providers: { openai: OPENAI } };

/** An agent that nobody knows gets the variables that most programs read. */
export const ANY_GATEWAY: GatewaySetup = {
  providers: { anthropic: ANTHROPIC, openai: OPENAI, gemini: GEMINI },
};

function opencodeProvider(name: string, baseURL: string): JsonObject {
  return { provider: { [name]: { options: { baseURL, apiKey: "{token}" } } } };
}
