/**
 * What can go wrong, as classes with a stable `code`.
 *
 * @module
 */

/** The base of every error that this project throws on purpose. */
export class OurocodusError extends Error {
  override readonly name: string = "OurocodusError";

  /**
   * @param code Stable, machine-readable, in snake_case.
   * @param message What failed, with the value and the limit; no full stop.
   */
  constructor(readonly code: string, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A session, role or agent id that cannot stand in a subject. */
export class InvalidNameError extends OurocodusError {
  override readonly name = "InvalidNameError";

  /** @param what `session`, `role`, …; `wrong` is what `invalidName` returned. */
  constructor(what: string, wrong: string) {
    super("invalid_name", `${what} ${wrong}`);
  }
}

/** A setting (environment variable or flag) has a value that cannot be used. */
export class SettingError extends OurocodusError {
  override readonly name = "SettingError";

  constructor(message: string, options?: ErrorOptions) {
    super("setting", message, options);
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
