/**
 * Reading what is to be sent: from a file, or from standard input.
 *
 * @module
 */
import { messageOf } from "@ourocodus/protocol";
import { SystemError } from "@ourocodus/system";
import type { Console } from "./console.ts";
import { UsageError } from "./usage_error.ts";

/** A file that is open, or standard input. */
export interface Input {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** In bytes, if it is known. */
  readonly size?: number;
}

/**
 * Opens a file that a flag names.
 *
 * @param file A path, or `-` for standard input.
 * @param options `flag` is how the error calls it.
 * @throws {UsageError} If it cannot be read.
 */
export async function openInput(
  file: string,
  { flag, console }: { readonly flag: string; readonly console: Console },
): Promise<Input> {
  if (file === "-") return { chunks: console.stdin };
  try {
    const opened = await Deno.open(file);
    const { isFile, isDirectory, size } = await opened.stat();
    if (isDirectory) throw new Error("it is a directory");
    return { chunks: opened.readable, ...(isFile && { size }) };
  } catch (error) {
    throw unreadable(flag, file, error);
  }
}

/**
 * The whole text of a file that `--message-file` names, as it is.
 *
 * @param file A path, or `-` for standard input.
 * @param options `maxBytes`: what the server takes; no more is read.
 * @throws {UsageError} If it cannot be read, or is not UTF-8.
 * @throws {SystemError} If it is larger.
 */
export async function readMessageFile(
  file: string,
  { maxBytes, console }: { readonly maxBytes: number; readonly console: Console },
): Promise<string> {
  const { chunks } = await openInput(file, { flag: FLAG, console });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let [text, bytes] = ["", 0];
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) break;
      text += decoder.decode(chunk, { stream: true });
    }
    if (bytes <= maxBytes) return text + decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw unreadable(FLAG, file, error);
    throw new UsageError(`${FLAG}: ${JSON.stringify(file)} is not valid UTF-8`, { cause: error });
  }
  throw new SystemError(
    `${FLAG}: ${JSON.stringify(file)} has more than ${maxBytes} bytes, which is the server's limit`,
  );
}

const FLAG = "--message-file";

function unreadable(flag: string, file: string, error: unknown): UsageError {
  return new UsageError(`${flag}: cannot read ${JSON.stringify(file)}: ${messageOf(error)}`, {
    cause: error,
  });
}
