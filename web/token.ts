/**
 * The token that lets the page in, where the API asks for one. It is kept for as long as the tab
 * is open, and sent as a header only: an address can be seen, and a cookie would be sent by pages
 * of others, too.
 *
 * @module
 */
import { signal } from "@preact/signals";

/** Why the API does not let the page in; undefined as long as it does. */
export interface Refused {
  /** Whether a token was given. */
  readonly tried: boolean;
  readonly reason: string;
}

/** What is wrong with the token now. */
export const refused = signal<Refused | undefined>(undefined);

const KEY = "ourocodus-token";

/** The token; undefined if there is none. */
export const token = signal<string | undefined>(stored());

/** What no token has, and no header can carry. */
const UNSENDABLE = /[^!-~]/u;

/** Uses another token from now on; what cannot be one is refused here. */
export function setToken(value: string | undefined): void {
  const [wrong] = UNSENDABLE.exec(value ?? "") ?? [];
  if (wrong !== undefined) {
    const code = wrong.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
    refused.value = { tried: true, reason: `it has a character that no token has: U+${code}` };
    return;
  }
  try {
    if (value === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
  } catch {
    // Where nothing may be stored, it is known until the page is left.
  }
  refused.value = undefined;
  token.value = value;
}

/** The headers of a request. */
export function tokenHeaders(): Record<string, string> {
  return token.value === undefined ? {} : { authorization: `Bearer ${token.value}` };
}

/**
 * Notes that a request was refused for its token.
 *
 * @param used The token it was sent with: that of an answer that comes late may be another by now.
 */
export function noteRefused(used: string | undefined, reason: string): void {
  if (used === token.value) refused.value = { tried: used !== undefined, reason };
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
