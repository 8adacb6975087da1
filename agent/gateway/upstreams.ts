/**
 * Which providers an environment has keys for.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { isProviderName, type KeyVariable, type ProviderName, PROVIDERS } from "./providers.ts";

/** A provider with its key. */
export interface Upstream {
  readonly provider: ProviderName;
  /** Without a `/` at its end. */
  readonly baseUrl: string;
  readonly key: string;
  readonly header: Pick<KeyVariable, "header" | "prefix">;
}

/** Every variable that has a key of a provider. */
export const KEY_VARIABLES: readonly string[] = Object.values(PROVIDERS).flatMap(({ keys }) =>
  keys.map(({ variable }) => variable)
);

/**
 * Finds the providers that an environment has a key for.
 *
 * @throws {OptionError} If a base URL is none, or a key cannot be sent.
 */
export function upstreamsIn(env: Readonly<Record<string, string>>): Upstream[] {
  return Object.keys(PROVIDERS).filter(isProviderName).flatMap((provider) => {
    const { keys, baseUrl } = PROVIDERS[provider];
    const header = keys.find(({ variable }) => env[variable]);
    if (header === undefined) return [];
    const key = env[header.variable]?.trim() ?? "";
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw new OptionError(`${header.variable} has characters that no key has`);
    }
    const url = env[baseUrl.variable] || baseUrl.usual;
    return [{ provider, baseUrl: checkedUrl(url, baseUrl.variable), key, header }];
  });
}

function checkedUrl(text: string, variable: string): string {
  const url = URL.parse(text);
  const isWeb = url !== null && /^https?:$/.test(url.protocol);
  if (isWeb && url.username === "" && url.search === "" && url.hash === "") {
    return url.href.replace(/\/+$/, "");
  }
  throw new OptionError(
    `${variable} is ${
      JSON.stringify(text)
    }, it must be an http or https URL without user and query`,
  );
}
