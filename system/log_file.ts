/**
 * Log files: adding an entry of ours, reading the end, following, and keeping them small. Programs
 * hold theirs open and add to it, so it is copied aside and emptied rather than renamed.
 *
 * @module
 */
import { pause } from "@ourocodus/protocol";

/** A log that has grown beyond this is put aside as `….log.1`, in bytes. */
export const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** How much of the end of a log is looked through for its last lines, in bytes. */
const TAIL_BYTES = 1024 * 1024;
/** How often to look for more, in milliseconds. */
const LOOK_MS = 100;

/** Adds a line about a program to its log, if that can be written: a full disk ends nobody. */
export function addLogEntry(path: string, text: string): void {
  const line = `${new Date().toISOString()} [ourocodus] ${text}\n`;
  try {
    Deno.writeTextFileSync(path, line, { append: true, mode: 0o600 });
  } catch {
    // There is no better place to say so.
  }
}

/** Puts a log aside if it has grown too large, in place of the one put aside before. */
export async function boundLog(path: string, maxBytes: number = MAX_LOG_BYTES): Promise<void> {
  if (await sizeOf(path) <= maxBytes) return;
  await Deno.copyFile(path, `${path}.1`);
  await Deno.truncate(path);
}

/** A log's size in bytes; 0 if there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/**
 * The last lines of a log.
 *
 * @param options `from`: what stands before this offset, in bytes, does not count.
 */
export async function lastLines(
  path: string,
  count: number,
  options: { readonly from?: number } = {},
): Promise<string[]> {
  const size = await sizeOf(path);
  if (count === 0 || size === 0) return [];
  const from = options.from !== undefined && options.from <= size ? options.from : 0;
  const start = Math.max(from, size - TAIL_BYTES);
  const lines = new TextDecoder().decode(await readFrom(path, start, size)).split("\n");
  if (start > from) lines.shift(); // Cut off in the middle.
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(-count);
}

/**
 * The complete lines that are added to a log.
 *
 * @param from Where to begin, in bytes.
 */
export async function* followLog(
  path: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let offset = from;
  let rest = "";
  let decoder = new TextDecoder();
  for (let ends = false; !ends;) {
    // What was written before the signal is still told.
    ends = signal.aborted;
    const size = await sizeOf(path);
    // It was put aside; what was added in between stands in the copy.
    if (size < offset) {
      offset = 0;
      decoder = new TextDecoder();
    }
    if (size === offset) {
      if (!ends) await pause(LOOK_MS, signal);
      continue;
    }
    const end = Math.min(size, offset + TAIL_BYTES);
    const lines = (rest + decoder.decode(await readFrom(path, offset, end), { stream: true }))
      .split("\n");
    offset = end;
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

async function readFrom(path: string, start: number, end: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(end - start);
  let length = 0;
  while (length < bytes.length) {
    const read = await file.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
