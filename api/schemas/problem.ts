/**
 * What every refused or failed request is answered with: problem details (RFC 9457).
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { type ProblemKind, PROBLEMS } from "../problem_kinds.ts";

/** The body, of type `application/problem+json`. */
export const ProblemSchema = z.object({
  type: z.string().openapi({
    description: "What kind of problem it is; a fragment of the API's own documentation",
    example: "/problems#not-found",
  }),
  title: z.string().openapi({ description: "The kind of problem, in words" }),
  status: z.int().openapi({ description: "The HTTP status" }),
  detail: z.string().openapi({ description: "What was wrong this time: the value and the limit" }),
  instance: z.string().openapi({ description: "The path that was asked for" }),
  errors: z.array(z.object({
    in: z.enum(["path", "query", "header", "body"]),
    name: z.string().openapi({ description: "The parameter, or a JSON Pointer into the body" }),
    detail: z.string(),
  })).optional().openapi({ description: "Every parameter or field that was wrong" }),
}).catchall(z.unknown()).openapi("Problem");

/** A problem. */
export type Problem = z.infer<typeof ProblemSchema>;

/** What every request may be refused for. */
const OF_ALL = ["invalid_request", "foreign_host", "head_too_large"] as const;
/** And those for which a token may be needed. */
const OF_SECURED = ["unauthorized", "forbidden"] as const;

/**
 * The responses of a route that needs a token, for its description: these problems, and those that
 * every such route has.
 */
export function problems(...kinds: readonly ProblemKind[]): Record<number, ProblemResponse> {
  return openProblems(...OF_SECURED, ...kinds);
}

/** The same of a route that is open to everybody. */
export function openProblems(...kinds: readonly ProblemKind[]): Record<number, ProblemResponse> {
  const responses: Record<number, ProblemResponse> = {};
  for (const kind of new Set([...OF_ALL, ...kinds])) {
    const { status, title } = PROBLEMS[kind];
    const before = responses[status]?.description;
    responses[status] = {
      description: before === undefined ? title : `${before}; or: ${title}`,
      content: { "application/problem+json": { schema: ProblemSchema } },
    };
  }
  return responses;
}

interface ProblemResponse {
  readonly description: string;
  readonly content: {
    readonly "application/problem+json": { readonly schema: typeof ProblemSchema };
  };
}
