/**
 * What is wrong with a request, parameter by parameter.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import { ProblemError } from "./problem.ts";

const PLACE = {
  param: "path",
  query: "query",
  header: "header",
  cookie: "header",
  json: "body",
  form: "body",
} as const;

/**
 * Makes a problem of what a schema says.
 *
 * @param target Where the values stood, as Hono calls it.
 */
export function requestProblem(target: keyof typeof PLACE, error: z.ZodError): ProblemError {
  const place = PLACE[target];
  const errors = error.issues.map(({ path, message }) => ({
    in: place,
    name: place === "body" ? pointer(path) : path.join("."),
    detail: message,
  }));
  const detail = errors.map(({ name, detail }) =>
    // Our own messages name what they are about.
    detail.startsWith(`${name} `) ? detail : `${name || place}: ${detail}`
  ).join("; ");
  return new ProblemError("invalid_request", detail, { extras: { errors } });
}

/** A JSON Pointer (RFC 6901). */
function pointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
