/**
 * Whether a request was meant for this server. A page may have its own name point to any address,
 * ours included, and then is of the same origin as we are ("DNS rebinding"); but it cannot change
 * that its name stands in `Host`.
 *
 * @module
 */

/**
 * Whether a request names a host that is not ours.
 *
 * Addresses and `localhost` are nobody's names; so is what the server listens on.
 *
 * @param allowed Further names, without or with a port; `*` is any.
 */
export function isForeignHost(request: Request, allowed: readonly string[] = []): boolean {
  if (allowed.includes("*")) return false;
  const { hostname, host } = new URL(request.url);
  const name = hostname.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost") || isAddress(name)) return false;
  return !allowed.some((one) => one.toLowerCase() === name || one.toLowerCase() === host);
}

/** Whether others than this machine can reach what listens on a host. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}

/** URLs have IPv6 in brackets, and IPv4 in four decimal parts, whatever was written. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(hostname);
}
