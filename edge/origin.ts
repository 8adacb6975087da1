/**
 * Whose page a WebSocket request comes from. Browsers let every page connect to every address, and
 * say in `Origin` whose page it is (RFC 6455, section 10.2); other clients send none.
 *
 * @module
 */

/**
 * Whether a request comes from a page of another host.
 *
 * @param request Its `Origin` is compared with its `Host`, ports included.
 * @param allowed Origins that may connect anyway, like `https://example.org`; `*` is any.
 */
export function isForeignOrigin(request: Request, allowed: readonly string[] = []): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || allowed.includes("*") || allowed.includes(origin)) return false;
  return URL.parse(origin)?.host !== new URL(request.url).host;
}
