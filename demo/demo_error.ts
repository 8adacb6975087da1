/** The demo failed; the message is for the user, who needs no stack trace with it. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}
