/**
 * `GET /openapi.json`: what describes all the others.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { VERSION } from "@ourocodus/protocol";
import type { ApiApp } from "../api_app.ts";
import { openProblems } from "../schemas/problem.ts";
import { SECURITY_SCHEMES } from "../security.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/openapi.json",
  summary: "This description",
  tags: ["System"],
  responses: {
    200: {
      description: "The API, in OpenAPI 3.1",
      content: { "application/json": { schema: z.looseObject({ openapi: z.string() }) } },
    },
    ...openProblems(),
  },
});

const TAGS = [
  { name: "Work", description: "Sending work, and where it is" },
  { name: "Sessions", description: "Groups of work" },
  { name: "Agents", description: "The agents that do the work" },
  { name: "Events", description: "Live events" },
  { name: "System", description: "Health and figures of the system" },
];

const DESCRIPTION =
  `Where all agents, sessions and work items are, live; sending work and following it.

Names of sessions, roles and agents are 1 to 64 of \`A-Z a-z 0-9 _ -\`. Every answer that is no
success is a problem (RFC 9457). Where tokens are configured, each operation says what its token must
allow; a token for one session or role is let see and change nothing else. Below \`/api/\`, parameters
that an operation does not have are refused. Paths that exist answer \`HEAD\` and \`OPTIONS\` too, and
405 with \`Allow\` to other methods.`;

/** `identifier` is of OpenAPI 3.1; the library's type is that of 3.0. */
const LICENSE = { name: "Apache-2.0", identifier: "Apache-2.0" };

/** Adds the route. */
export function openapiRoute(app: ApiApp): void {
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, scheme);
  }
  let document: ReturnType<ApiApp["getOpenAPI31Document"]> | undefined;
  app.openapi(ROUTE, (context) => {
    // Once all routes are there.
    document ??= app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "Ourocodus",
        version: VERSION,
        description: DESCRIPTION,
        license: LICENSE,
      },
      servers: [{ url: "/", description: "The API that answers this" }],
      tags: TAGS,
    });
    return context.json(document as unknown as { openapi: string }, 200);
  });
}
