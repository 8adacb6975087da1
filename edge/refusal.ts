/**
 * Why relay and API let a request in no further, and how they say so: problem details (RFC 9457).
 *
 * @module
 */

/** Each reason, with the status and the title of its answer. */
export const REFUSALS = {
  invalid_request: { status: 400, title: "The request is malformed" },
  unauthorized: { status: 401, title: "A valid token is needed" },
  forbidden: { status: 403, title: "The token does not allow this" },
  foreign_origin: { status: 403, title: "The request comes from a page of another site" },
  foreign_host: { status: 403, title: "The request is for another host" },
  head_too_large: { status: 431, title: "The headers are too large" },
  too_many: { status: 503, title: "Too much at once" },
} as const;

/** The name of a reason. */
export type RefusalKind = keyof typeof REFUSALS;

/** A request that goes no further. */
export interface Refusal {
  readonly kind: RefusalKind;
  /** What was wrong this time: the value and the limit, never a token. */
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Makes one. */
export function refusal(
  kind: RefusalKind,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return { kind, detail, headers };
}

/**
 * An answer with problem details.
 *
 * @param problem `status`, `title`, `detail`, `instance` (the path), and whatever else it has.
 */
export function problemResponse(
  problem: { readonly status: number; readonly detail: string; readonly [member: string]: unknown },
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${JSON.stringify(problem)}\n`, {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...headers,
    },
  });
}
