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
  const errors = error.issues.map((issue) => {
    const name = place === "body" ? pointer(issue.path) : issue.path.join(".");
    return { in: place, name, detail: detailOf(issue, name || `the ${place}`) };
  });
  const detail = errors.map(({ name, detail }) =>
    // Most name what they are about.
    detail.startsWith(name || `the ${place}`) ? detail : `${name || place}: ${detail}`
  ).join("; ");
  return new ProblemError("invalid_request", detail, { extras: { errors } });
}

/** What an issue says, in the words of our own messages where they are not ours already. */
function detailOf(issue: z.core.$ZodIssue, name: string): string {
  if (issue.code === "too_small" && issue.origin === "string") return `${name} is empty`;
  if (issue.code === "too_big" && issue.origin === "string") {
    return `${name} has more than ${issue.maximum} characters, which is the limit`;
  }
  if (issue.code !== "invalid_type") return issue.message;
  const [, received = "nothing"] = /received (\w+)$/.exec(issue.message) ?? [];
  return `${name} is ${withArticle(received)}, it must be ${withArticle(issue.expected)}`;
}

/** A type as JSON calls it. */
function withArticle(type: string): string {
  if (["undefined", "nothing"].includes(type)) return "missing";
  if (type === "null") return type;
  const named = type === "record" ? "object" : type;
  return `${/^[aeiou]/.test(named) ? "an" : "a"} ${named}`;
}

/** A JSON Pointer (RFC 6901). */
function pointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
