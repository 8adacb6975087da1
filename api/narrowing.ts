/**
 * Keeps a request within what its token allows: a token for one session sees and changes nothing
 * of another, whatever the route.
 *
 * A route says by its parameters whose things it is about. What a parameter of the query leaves
 * open is filled in; a route without such a parameter is about all sessions or roles.
 *
 * @module
 */
import { type Access, forbidden, lacking, requestAt, type Scope } from "@ourocodus/edge";
import type { Operation } from "./operations.ts";
import { ProblemError } from "./problem.ts";

/** Events about work are lists that have items of several roles in them. */
const OF_ALL_ROLES = ["/api/events"];

/**
 * Narrows a request.
 *
 * @param path Its path, decoded.
 * @returns The request, or one whose query is limited to the token's session and role.
 * @throws {ProblemError} If the token does not allow it.
 */
export function narrowed(
  request: Request,
  path: string,
  { operation, access }: {
    readonly operation: Operation & { readonly scope: Scope };
    readonly access: Access;
  },
): Request {
  const { scope } = operation;
  const { session, role } = access;
  refuseIf(lacking(access, { scope, session, role }));
  if (session === undefined && role === undefined) return request;
  const url = new URL(request.url);
  const inPath = operation.inPath(path);
  for (const [name, own] of Object.entries({ session, role })) {
    if (own === undefined) continue;
    for (const asked of askedFor(name as "session" | "role")) {
      refuseIf(lacking(access, { scope, session, role, [name]: asked }));
    }
    if (!(name in inPath)) url.searchParams.set(name, own);
  }
  return requestAt(url, request);

  function askedFor(name: "session" | "role"): readonly (string | undefined)[] {
    if (inPath[name] !== undefined) return [inPath[name]];
    const byQuery = operation.query.includes(name) &&
      !(name === "role" && OF_ALL_ROLES.includes(operation.path));
    if (!byQuery) return [undefined];
    return url.searchParams.getAll(name).flatMap((value) => value.split(",")).filter(Boolean);
  }
}

function refuseIf(missing: string | undefined): void {
  if (missing !== undefined) throw ProblemError.of(forbidden(missing));
}
