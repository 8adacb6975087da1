/**
 * What is checked of every request before its route sees it: that it is well-formed, comes from
 * nobody's page but our own, and brings what the document says.
 *
 * @module
 */
import { isForeignOrigin } from "@ourocodus/http";
import type { Operation } from "./operations.ts";
import { ProblemError } from "./problem.ts";
import { cut, shown } from "./shown.ts";

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];
/** As many wrong parameters are told. */
const MAX_ERRORS = 10;
const MAX_NAME_CHARACTERS = 64;

/** @throws {ProblemError} If `Host` is none: URLs could not be told (RFC 9112, section 3.2). */
export function checkHost({ url, headers }: Request): void {
  const host = headers.get("host");
  const parsed = host === null ? null : URL.parse(`http://${host}`);
  const isHost = host === null || parsed !== null && !/[/?#@\\\s]/.test(host);
  if (isHost && URL.parse(url) !== null) return;
  throw new ProblemError("invalid_request", `Host is ${shown(host ?? "")}, which is no host`);
}

/**
 * @param allowed Origins that may change something all the same; `*` is any.
 * @throws {ProblemError} If it may change something, and comes from a page of another host.
 */
export function checkOrigin(request: Request, allowed: readonly string[]): void {
  if (SAFE_METHODS.includes(request.method) || !isForeignOrigin(request, allowed)) return;
  const origin = shown(request.headers.get("origin") ?? "");
  const detail = `Origin is ${origin}, a page of another host; ALLOWED_ORIGINS may name it`;
  throw new ProblemError("foreign_origin", detail);
}

/**
 * A misspelt filter would be no filter.
 *
 * @throws {ProblemError} If the query has a parameter that the operation does not have, or one
 * twice.
 */
export function checkQuery({ url }: Request, { query }: Operation): void {
  const { searchParams } = new URL(url);
  const errors: { in: "query"; name: string; detail: string }[] = [];
  for (const name of new Set(searchParams.keys())) {
    const times = searchParams.getAll(name).length;
    if (query.includes(name) && times === 1) continue;
    const detail = query.includes(name)
      ? `${name} is given ${times} times, allowed is once`
      : `${shown(name)} is unknown, allowed are ${query.join(", ") || "none"}`;
    errors.push({ in: "query", name: cut(name, MAX_NAME_CHARACTERS), detail });
    if (errors.length === MAX_ERRORS) break;
  }
  if (errors.length === 0) return;
  const detail = errors.map(({ detail }) => detail).join("; ");
  throw new ProblemError("invalid_request", detail, { extras: { errors } });
}
