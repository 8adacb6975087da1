import { messageOf } from "@ourocodus/protocol";
import { type ProgramEnd, runToEnd } from "./run_to_end.ts";
import { SetupError } from "./setup_error.ts";

/** How long it may take, in milliseconds. */
const TIMEOUT_MS = 30_000;

/**
 * Asks a nats-server binary for its version.
 *
 * @param path The binary.
 * @returns The version without `v`: `2.14.5`.
 * @throws {SetupError} `unusable`, if it cannot be run or does not answer as nats-server does. The
 * message says of the binary what is wrong; the caller names it.
 */
export async function natsServerVersion(path: string): Promise<string> {
  let output: ProgramEnd;
  try {
    output = await runToEnd(path, ["--version"], { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    throw new SetupError("unusable", `it cannot be run: ${messageOf(error)}`, { cause: error });
  }
  const text = output.stdout.trim();
  const version = /^nats-server: v(\d+\.\d+\.\d+\S*)$/.exec(text)?.[1];
  if (!output.success || version === undefined) {
    const first = text.split("\n", 1)[0]?.slice(0, 200);
    throw new SetupError(
      "unusable",
      `it is not a nats-server: --version ended with ${output.code} and said "${first}"`,
    );
  }
  return version;
}
