/** Why set-up could not provide a nats-server. */
export type SetupErrorCode =
  /** `NATS_SERVER` names something that cannot be used. */
  | "bad-nats-server"
  /** The cache folder cannot be named or written. */
  | "bad-cache"
  /** The release could not be fetched: refused, not found, hanging, broken off. */
  | "unreachable"
  /** What was fetched is not what was pinned. */
  | "checksum"
  /** What was fetched cannot be unpacked or run. */
  | "unusable"
  /** There is no Go, or it failed. */
  | "go"
  /** pip failed. */
  | "pip"
  /** pip is missing, and apt-get could not install it. */
  | "apt"
  /** Nothing found and no way to install it from here. */
  | "not-found";

/** Set-up failed; the message says what was wrong and is meant for the user. */
export class SetupError extends Error {
  override readonly name = "SetupError";

  /**
   * @param code What went wrong, for programs.
   * @param message What went wrong, for people.
   * @param options `cause`: the error beneath.
   */
  constructor(readonly code: SetupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
