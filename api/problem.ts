/**
 * Problem details (RFC 9457): the body of every answer that is no success.
 *
 * @module
 */
import type { Problem } from "./schemas/problem.ts";

/** The kinds of problems; each has a place in API.md. */
export const PROBLEMS = {
  invalid_request: { status: 400, title: "The request is malformed" },
  foreign_origin: { status: 403, title: "The request comes from a page of another site" },
  not_found: { status: 404, title: "There is no such thing" },
  method_not_allowed: { status: 405, title: "The method is not allowed here" },
  ambiguous: { status: 409, title: "Several things have this name" },
  conflict: { status: 409, title: "The state of things does not allow it" },
  too_large: { status: 413, title: "The request is too large" },
  unsupported_media_type: { status: 415, title: "The body is of another type" },
  unprocessable: { status: 422, title: "It is understood, but cannot be done" },
  internal: { status: 500, title: "A fault of this server" },
  unavailable: { status: 503, title: "Something that is needed is away" },
  too_many: { status: 503, title: "Too much at once" },
} as const;

/** The name of a kind. */
export type ProblemKind = keyof typeof PROBLEMS;

/** What more a problem may say. */
export type ProblemExtras = Pick<Problem, "errors"> & Record<string, unknown>;

/** Thrown by a route that cannot do what was asked; becomes the answer. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly kind: ProblemKind;
  readonly extras: ProblemExtras;
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param detail What was wrong this time: the value and the limit.
   * @param options `extras`: further members of the body.
   */
  constructor(
    kind: ProblemKind,
    detail: string,
    options: {
      readonly extras?: ProblemExtras;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: options.cause });
    this.kind = kind;
    this.extras = options.extras ?? {};
    this.headers = options.headers ?? {};
  }

  /** The answer. @param path The path that was asked for. */
  response(path: string): Response {
    const { status, title } = PROBLEMS[this.kind];
    const type = `/problems#${this.kind.replaceAll("_", "-")}`;
    const body = { type, title, status, detail: this.message, instance: path, ...this.extras };
    return new Response(`${JSON.stringify(body)}\n`, {
      status,
      headers: {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        ...this.headers,
      },
    });
  }
}
