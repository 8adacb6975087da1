/**
 * The environment of a coding agent whose model is asked through the gateway: without a key, and with
 * the way to the gateway.
 *
 * @module
 */
import { isObject, messageOf } from "@ourocodus/protocol";
import { OptionError } from "../errors.ts";
import { KEY_VARIABLES, type ProviderName, type Upstream, upstreamsIn } from "../gateway/mod.ts";
import type { GatewayPointer, JsonObject, Preset } from "./acp/mod.ts";

type Variables = Readonly<Record<string, string>>;

/** An environment whose keys were taken out. */
export interface GatedEnvironment {
  /** For every command: it has no key, and does not lead to the gateway either. */
  readonly env: Variables;
  /** The keys, and where they are for. */
  readonly upstreams: readonly Upstream[];
}

/** Where the gateway is for one process. */
export interface GatewayAddress {
  /** Without a path. */
  readonly url: string;
  readonly token: string;
  readonly providers: readonly ProviderName[];
}

const PROXIES = /^(?:https?|all)_proxy$/i;

/**
 * Takes the keys out of a coding agent's environment.
 *
 * @param env Of `codingEnvironment`.
 * @throws {OptionError} If there is no key that the gateway could add, or something would lead past it.
 */
export function withoutKeys(preset: Preset, env: Variables): GatedEnvironment {
  const { gateway, login, title } = preset;
  const upstreams = upstreamsIn(env).filter(({ provider }) => provider in gateway.providers);
  if (upstreams.length === 0) {
    const names = login.env.filter((name) => KEY_VARIABLES.includes(name));
    throw new OptionError(
      `The gateway has no key for ${title}: set ${
        (names.length > 0 ? names : KEY_VARIABLES).join(" or ")
      }; a login by subscription does not go through it`,
    );
  }
  const past = login.env.find((name) =>
    env[name] && !KEY_VARIABLES.includes(name) && name !== gateway.configVariable
  );
  if (past !== undefined) {
    throw new OptionError(`${past} is set, which leads past the gateway: unset it`);
  }
  const rest = Object.entries(env).filter(([name]) => !KEY_VARIABLES.includes(name));
  const open = rest.find(([, value]) => upstreams.some(({ key }) => value.includes(key)));
  if (open !== undefined) {
    throw new OptionError(`${open[0]} has a key in it, which the gateway is to keep: take it out`);
  }
  return { env: Object.fromEntries(rest), upstreams };
}

/**
 * The variables that point a process to the gateway.
 *
 * @param env Of {@linkcode withoutKeys}.
 * @throws {OptionError} If the agent's configuration has a key, or is no JSON.
 */
export function gatewayVariables(
  { gateway: { providers, configVariable } }: Preset,
  env: Variables,
  at: GatewayAddress,
): Record<string, string> {
  const pointers = at.providers.flatMap((name) => {
    const pointer = providers[name];
    return pointer === undefined ? [] : [filledIn(pointer, `${at.url}/${name}`, at.token)];
  });
  const usesProxy = Object.keys(env).some((name) => PROXIES.test(name));
  return {
    ...Object.assign({}, ...pointers.map(({ env }) => env ?? {})),
    ...(configVariable !== undefined && {
      [configVariable]: configuration(configVariable, env[configVariable], pointers),
    }),
    ...(usesProxy && directly(env)),
  };
}

function configuration(
  variable: string,
  given: string | undefined,
  pointers: readonly GatewayPointer[],
): string {
  let config: unknown;
  try {
    config = JSON.parse(given || "{}");
  } catch (error) {
    throw new OptionError(`${variable} must be JSON with the gateway: ${messageOf(error)}`);
  }
  if (!isObject(config)) throw new OptionError(`${variable} must be a JSON object`);
  const key = keyIn(config);
  if (key !== undefined) {
    throw new OptionError(
      `${variable} has a key, as ${key}, which the gateway cannot keep: name a variable in its ` +
        `place, such as {env:OPENAI_API_KEY}`,
    );
  }
  return JSON.stringify(pointers.reduce((sum, { config = {} }) => laidOver(sum, config), config));
}

/** Where a configuration has a key, as far as its names tell. */
function keyIn(config: JsonObject): string | undefined {
  for (const [name, value] of Object.entries(config)) {
    if (isObject(value)) {
      const inner = keyIn(value);
      if (inner !== undefined) return `${name}.${inner}`;
    }
    const isKey = /^(?:api_?key|experimental_bearer_token|authorization|x-api-key)$/i.test(name);
    if (isKey && typeof value === "string" && !/^(?:Bearer )?\{env:\w+\}$/.test(value)) return name;
  }
  return undefined;
}

/** One object over another, key by key. */
function laidOver(under: JsonObject, over: JsonObject): JsonObject {
  const entries = Object.entries(over).map(([name, value]) => {
    const below = under[name];
    return [name, isObject(value) && isObject(below) ? laidOver(below, value) : value];
  });
  return { ...under, ...Object.fromEntries(entries) };
}

function filledIn(pointer: GatewayPointer, url: string, token: string): GatewayPointer {
  const text = JSON.stringify(pointer).replaceAll("{url}", url).replaceAll("{token}", token);
  return JSON.parse(text);
}

/** The gateway is on this machine: the way to it leads through no proxy. */
function directly(env: Variables): Record<string, string> {
  const others = env.NO_PROXY || env.no_proxy;
  const value = others ? `${others},127.0.0.1` : "127.0.0.1";
  return { NO_PROXY: value, no_proxy: value };
}
