/**
 * The problem that there is no such work.
 *
 * @module
 */
import { ProblemError } from "./problem.ts";

/** Of work with this id nothing is known. */
export function unknownWork(
  id: string,
  { session, role }: { readonly session?: string; readonly role?: string },
): ProblemError {
  const where = [
    ...(session === undefined ? [] : [`session ${session}`]),
    ...(role === undefined ? [] : [`role ${role}`]),
  ].join(", ") || "any session";
  const bySequence = /^\d{1,15}$/.test(id)
    ? `; by its sequence it would be /api/sessions/{session}/work/${id}`
    : "";
  const detail =
    `nothing is known of work with the id ${JSON.stringify(id)} in ${where}: neither ` +
    `queue nor log has it (any more)${bySequence}`;
  return new ProblemError("not_found", detail);
}

/** Of the work with this sequence nothing is known. */
export function unknownSequence(session: string, sequence: number): ProblemError {
  const detail = `nothing is known of work ${sequence} in session ${session}`;
  return new ProblemError("not_found", detail);
}
