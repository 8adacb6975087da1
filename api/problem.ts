/**
 * Problem details (RFC 9457): the body of every answer that is no success.
 *
 * @module
 */
import { problemResponse, type Refusal } from "@ourocodus/edge";
import { type ProblemKind, PROBLEMS } from "./problem_kinds.ts";
import type { Problem } from "./schemas/problem.ts";

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
    return problemResponse(body, this.headers);
  }

  /** What a gate says. */
  static of({ kind, detail, headers }: Refusal): ProblemError {
    return new ProblemError(kind, detail, { headers });
  }
}
