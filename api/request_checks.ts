/**
 * What is checked of every request before its route sees it: that it is well-formed, comes from
 * nobody's page but our own, and brings what the document says.
 *
 * @module
 */
import { type Gate, TOKEN_PARAMETER } from "@ourocodus/edge";
import type { Operation } from "./operations.ts";
import { ProblemError } from "./problem.ts";
import { cut, shown } from "./shown.ts";

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];
/** How many wrong parameters are named. */
const MAX_ERRORS = 10;
const MAX_NAME_CHARACTERS = 64;

/**
 * @throws {ProblemError} If `Host` is none: URLs could not be told (RFC 9112, section 3.2); or if
 * it is another's, or the head is too large.
 */
export function checkHead(request: Request, gate: Gate): void {
  checkHost(request);
  const refused = gate.checkHead(request);
  if (refused !== undefined) throw ProblemError.of(refused);
}

function checkHost({ url, headers }: Request): void {
  const host = headers.get("host");
  const parsed = host === null ? null : URL.parse(`http://${host}`);
  const isHost = host === null || parsed !== null && !/[/?#@\\\s]/.test(host);
  if (isHost && URL.parse(url) !== null) return;
  throw new ProblemError("invalid_request", `Host is ${shown(host ?? "")}, which is no host`);
}

/** @throws {ProblemError} If it may change something, and comes from a page of another host. */
export function checkOrigin(request: Request, gate: Gate): void {
  if (SAFE_METHODS.includes(request.method)) return;
  const refused = gate.checkOrigin(request);
  if (refused !== undefined) throw ProblemError.of(refused);
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
    if (name === TOKEN_PARAMETER) continue;
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
