/**
 * Where a request carries its token: `Authorization: Bearer`, or `access_token` in the query for
 * clients that cannot set headers (RFC 6750, sections 2.1 and 2.3).
 *
 * @module
 */

/** The parameter of the query. */
export const TOKEN_PARAMETER = "access_token";

/** What a request carries. */
export type Credentials =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "none" }
  | { readonly kind: "malformed"; readonly reason: string };

/** Finds a request's token. */
export function credentialsOf(request: Request): Credentials {
  const header = request.headers.get("authorization");
  const query = new URL(request.url).searchParams.getAll(TOKEN_PARAMETER);
  if (query.length + (header === null ? 0 : 1) > 1) {
    return { kind: "malformed", reason: "the token is given more than once" };
  }
  const [token] = query;
  if (token !== undefined) return token === "" ? { kind: "none" } : { kind: "token", token };
  if (header === null) return { kind: "none" };
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(header) ?? [];
  if (bearer !== undefined) return { kind: "token", token: bearer };
  return { kind: "malformed", reason: "Authorization is not Bearer and one token" };
}

/** The same request without a token in its URL, so that nothing behind it can show or log one. */
export function withoutToken(request: Request): Request {
  const url = new URL(request.url);
  if (!url.searchParams.has(TOKEN_PARAMETER)) return request;
  url.searchParams.delete(TOKEN_PARAMETER);
  return requestAt(url, request);
}

/** The same request for another URL. */
export function requestAt(url: URL, { method, headers, body }: Request): Request {
  // Not made of the whole request: its signal would then be looked at, which costs an operation.
  return new Request(url, { method, headers, body });
}
