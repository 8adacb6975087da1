/**
 * The payload of work that the command line sends.
 *
 * @module
 */

/** Whom it is for. */
export interface WorkTarget {
  readonly session: string;
  readonly role: string;
}

/**
 * Adds `session_id` and `role`, for the agent's convenience.
 *
 * @returns A payload that begins with them; those that it has already stay as they are.
 */
export function workPayload(
  target: WorkTarget,
  payload: Record<string, unknown>,
): Record<string, unknown> {
  return { session_id: target.session, role: target.role, ...payload };
}

/** A new id: `work_` and 20 characters of a to z and 2 to 7, at random. */
export function newWorkId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(20));
  return `work_${Array.from(bytes, (byte) => ALPHABET[byte & 31]).join("")}`;
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
