import { SetupError } from "./setup_error.ts";

/**
 * Asks a nats-server binary for its version.
 *
 * @param path The binary.
 * @returns The version without `v`: `2.14.5`.
 * @throws {SetupError} `unusable`, if it cannot be run or does not answer as nats-server does. The
 * message says of the binary what is wrong; the caller names it.
 */
export async function natsServerVersion(path: string): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(path, { args: ["--version"], stdin: "null" }).output();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SetupError("unusable", `it cannot be run: ${reason}`, { cause: error });
  }
  const text = new TextDecoder().decode(output.stdout).trim();
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
