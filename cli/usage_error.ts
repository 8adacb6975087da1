/** The command line is wrong: a flag's value, or which flags there are. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
