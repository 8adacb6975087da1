/**
 * Where the page is: its state is its address.
 *
 * @module
 */
import { signal } from "@preact/signals";

/** An address, taken apart. */
export interface Address {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The address now. */
export const address = signal<Address>(read());

globalThis.addEventListener("popstate", () => address.value = read());

/** Goes to an address of this page, as a link does. */
export function go(url: string): void {
  history.pushState(null, "", url);
  address.value = read();
  scrollTo(0, 0);
}

/** Changes parts of the query in place; an empty value removes its part. */
export function setQuery(changes: Readonly<Record<string, string>>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, "", `${location.pathname}${text === "" ? "" : `?${text}`}`);
  address.value = read();
}

/** The address of a session's page. */
export function sessionUrl(session: string): string {
  return `/sessions/${encodeURIComponent(session)}`;
}

/** The address of a work item's page. */
export function workUrl(session: string, sequence: number): string {
  return `${sessionUrl(session)}/work/${sequence}`;
}

function read(): Address {
  return { path: decode(location.pathname), query: new URLSearchParams(location.search) };
}

function decode(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
