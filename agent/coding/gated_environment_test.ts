import assert from "node:assert/strict";
import { acpPreset, type Preset, PRESETS } from "./acp/presets.ts";
import { gatewayVariables, withoutKeys } from "./gated_environment.ts";

const preset = (name: string): Preset => PRESETS[name] ?? acpPreset([name]);
const at = { url: "http://127.0.0.1:1", token: "t", providers: ["anthropic", "openai"] as const };

Deno.test("the keys are taken out of an environment, and go to where the user has them go", () => {
  const env = { PATH: "/bin", ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: "http://my.proxy/x/" };
  const gated = withoutKeys(preset("claude"), env);
  assert.deepEqual(gated.env, { PATH: "/bin", ANTHROPIC_BASE_URL: "http://my.proxy/x/" });
  const [upstream] = gated.upstreams;
  assert.deepEqual(
    [upstream?.provider, upstream?.baseUrl, upstream?.key, upstream?.header.header],
    [
      "anthropic",
      "http://my.proxy/x",
      "k",
      "x-api-key",
    ],
  );
  const both = withoutKeys(preset("opencode"), { OPENAI_API_KEY: "a", GOOGLE_API_KEY: "b" });
  assert.deepEqual(both.env, {});
  assert.deepEqual(both.upstreams.map(({ provider }) => provider), ["openai", "gemini"]);
});

Deno.test("an environment is refused that has no key, or leads past the gateway", () => {
  const wrong: ReadonlyArray<[string, Record<string, string>, RegExp]> = [
    [
      "claude",
      {},
      /no key for Claude Code: set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN; a login/,
    ],
    ["claude", { OPENAI_API_KEY: "k" }, /no key for Claude Code/],
    [
      "claude",
      { ANTHROPIC_API_KEY: "k", CLAUDE_CODE_USE_BEDROCK: "1" },
      /^CLAUDE_CODE_USE_BEDROCK is/,
    ],
    ["claude", { ANTHROPIC_API_KEY: "k", OTHER: "x k y" }, /^OTHER has a key in it/],
    ["claude", { ANTHROPIC_API_KEY: "a b" }, /^ANTHROPIC_API_KEY has characters that no key has/],
    ["claude", { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: "file:///x" }, /must be an http/],
    ["my-agent", {}, /set ANTHROPIC_AUTH_TOKEN or ANTHROPIC_API_KEY or CODEX_API_KEY or/],
  ];
  for (const [name, env, message] of wrong) {
    assert.throws(() => withoutKeys(preset(name), env), { name: "OptionError", message });
  }
});

Deno.test("each agent is pointed to the gateway in its own way", () => {
  assert.deepEqual(gatewayVariables(preset("claude"), {}, at), {
    ANTHROPIC_BASE_URL: "http://127.0.0.1:1/anthropic",
    ANTHROPIC_API_KEY: "t",
  });
  const codex = gatewayVariables(preset("codex"), { CODEX_CONFIG: '{"model":"m"}' }, at);
  assert.equal(codex.CODEX_GATEWAY_TOKEN, "t");
  const config = JSON.parse(codex.CODEX_CONFIG ?? "");
  assert.deepEqual([config.model, config.model_provider], ["m", "gateway"]);
  assert.equal(config.model_providers.gateway.base_url, "http://127.0.0.1:1/openai");
  const given = {
    OPENCODE_CONFIG_CONTENT: JSON.stringify({
      provider: { mine: { options: { apiKey: "{env:OPENAI_API_KEY}" } }, openai: { name: "x" } },
    }),
  };
  const opencode = gatewayVariables(preset("opencode"), given, at);
  assert.equal(opencode.OPENAI_BASE_URL, "http://127.0.0.1:1/openai");
  const { provider } = JSON.parse(opencode.OPENCODE_CONFIG_CONTENT ?? "");
  assert.deepEqual(Object.keys(provider), ["mine", "openai", "anthropic"]);
  assert.equal(provider.openai.name, "x");
  assert.deepEqual(provider.anthropic.options, {
    baseURL: "http://127.0.0.1:1/anthropic/v1",
    apiKey: "t",
  });
});

Deno.test("a configuration that has a key, or is no JSON, is refused", () => {
  const of = (text: string) => () =>
    gatewayVariables(preset("opencode"), { OPENCODE_CONFIG_CONTENT: text }, at);
  const key = { provider: { mine: { options: { apiKey: "sk-1" } } } };
  assert.throws(of(JSON.stringify(key)), /has a key, as provider\.mine\.options\.apiKey/);
  assert.throws(of("{"), /^OptionError: OPENCODE_CONFIG_CONTENT must be JSON/);
  assert.throws(of("[]"), /must be a JSON object/);
});

Deno.test("the way to the gateway leads through no proxy", () => {
  const env = { https_proxy: "http://proxy", NO_PROXY: "example.com" };
  const { NO_PROXY, no_proxy } = gatewayVariables(preset("claude"), env, at);
  assert.deepEqual([NO_PROXY, no_proxy], ["example.com,127.0.0.1", "example.com,127.0.0.1"]);
});
