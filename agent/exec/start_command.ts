import { byteLength, messageOf } from "@ourocodus/protocol";
import { RetryableError, WorkError } from "../errors.ts";
import { MarkedProcess, type StartOptions } from "../processes/mod.ts";
import { type CommandInput, MAX_ARGUMENT_BYTES, withoutVariable } from "./command_input.ts";

/** When work that could not be begun for want of memory, processes or files is handed out again, in milliseconds. */
const SCARCE_DELAY_MS = 5_000;
const SCARCE = ["EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "ETXTBSY"];

/** What to start. */
export interface CommandLine {
  /** The absolute path of the program. */
  readonly path: string;
  /** Arguments before those of the work: of what confines the command, if something does. */
  readonly before: readonly string[];
}

/**
 * Starts a command, with the message in its environment if the system takes that.
 *
 * @returns The process, and the variables that were left out of its environment.
 * @throws {WorkError | RetryableError} If it cannot be started.
 */
export function startCommand(
  { path, before }: CommandLine,
  input: CommandInput,
  options: Omit<StartOptions, "args" | "hasInput">,
): { readonly process: MarkedProcess; readonly omitted: readonly string[] } {
  const { args, variables, omitted, stdin } = input;
  try {
    const process = new MarkedProcess(path, {
      ...options,
      args: [...before, ...args],
      env: { ...options.env, ...variables },
      hasInput: stdin !== undefined,
    });
    if (stdin !== undefined && process.stdin !== undefined) void feed(process.stdin, stdin);
    return { process, omitted };
  } catch (error) {
    const tooLong = (error as { code?: unknown }).code === "E2BIG";
    // The system limits all arguments and variables together too, and the message is in both.
    if (tooLong && variables.OUROCODUS_MESSAGE !== undefined) {
      return startCommand({ path, before }, withoutVariable(input, "OUROCODUS_MESSAGE"), options);
    }
    throw startError(error, args);
  }
}

/** Writes all, or as much as the command reads: to read less is its right. */
async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // A broken pipe.
  }
}

function startError(error: unknown, args: readonly string[]): Error {
  const { code } = error as { code?: unknown };
  const message = `Cannot start the command: ${messageOf(error)}`;
  if (typeof code !== "string") return new WorkError("command_failed", message);
  // The command was there when the agent started: another agent may still have it.
  if (code !== "E2BIG") {
    const delayMs = SCARCE.includes(code) ? SCARCE_DELAY_MS : undefined;
    return new RetryableError(message, { delayMs, reason: "not_accepted" });
  }
  const long = args.findIndex((arg) => byteLength(arg) >= MAX_ARGUMENT_BYTES);
  const which = long < 0 ? message : `Cannot start the command: argument ${long + 1} is ` +
    `${byteLength(args[long] ?? "")} bytes, limit is ${MAX_ARGUMENT_BYTES - 1}`;
  return new WorkError("argument_too_long", which);
}
