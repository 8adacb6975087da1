/**
 * Where a work item is found in the API.
 *
 * @module
 */

/** The path and query of `GET /api/work/{id}`. */
export function workLocation(
  { id, session, role }: { readonly id: string; readonly session: string; readonly role: string },
): string {
  return `/api/work/${encodeURIComponent(id)}?session=${session}&role=${role}`;
}
