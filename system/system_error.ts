/** The system could not be started, stopped or asked; the message is meant for the user. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  /** Shown below the message, say the end of a log. */
  readonly lines: readonly string[];

  constructor(
    message: string,
    options: ErrorOptions & { readonly lines?: readonly string[] } = {},
  ) {
    super(message, options);
    this.lines = options.lines ?? [];
  }
}
