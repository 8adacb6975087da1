/**
 * The kinds of problems that the API answers with.
 *
 * @module
 */

import { REFUSALS } from "@ourocodus/edge";

/** The kinds of problems; `/problems` tells of each. */
export const PROBLEMS = {
  ...REFUSALS,
  not_found: { status: 404, title: "There is no such thing" },
  method_not_allowed: { status: 405, title: "The method is not allowed here" },
  too_slow: { status: 408, title: "The request came too slowly" },
  ambiguous: { status: 409, title: "Several things have this name" },
  conflict: { status: 409, title: "The state of things does not allow it" },
  too_large: { status: 413, title: "The request is too large" },
  unsupported_media_type: { status: 415, title: "The body is of another type" },
  unprocessable: { status: 422, title: "It is understood, but cannot be done" },
  internal: { status: 500, title: "A fault of this server" },
  unavailable: { status: 503, title: "Something that is needed is away" },
} as const;

/** The name of a kind. */
export type ProblemKind = keyof typeof PROBLEMS;
