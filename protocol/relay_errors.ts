/**
 * What a relay says of what it refuses: the codes of `relay.error`, which PROTOCOL.md explains.
 *
 * @module
 */

/** All codes of `relay.error`. */
export const RELAY_ERROR_CODES = [
  "invalid_message",
  "unknown_work",
  "reserved_type",
  "unknown_type",
  "id_mismatch",
  "foreign_lease",
  "lease_lost",
  "duplicate",
  "result_refused",
  "progress_too_large",
  "invalid_resume",
  "invalid_delay",
] as const;

/** One of them. */
export type RelayErrorCode = typeof RELAY_ERROR_CODES[number];
