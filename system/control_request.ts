/**
 * What commands ask a supervisor for: one line of JSON over TCP on 127.0.0.1, answered with one.
 * The token, from the state file that only the owner can read, shows that one may ask.
 *
 * @module
 */
import type { StopOptions } from "./kept_process.ts";
import type { ProcessSpec, ProcessView } from "./process_spec.ts";

/** A request. All are answered at once; those to stop and restart only begin it. */
export type ControlRequest =
  | { readonly type: "list" }
  | {
    readonly type: "start";
    readonly specs: readonly ProcessSpec[];
    readonly environment: Readonly<Record<string, string>>;
  }
  /** Keeps in mind what was not started, as if it had ended; what is kept already stays. */
  | { readonly type: "keep"; readonly specs: readonly ProcessSpec[]; readonly reason: string }
  | { readonly type: "ready"; readonly names: readonly string[] }
  | { readonly type: "stop"; readonly names: readonly string[]; readonly options: StopOptions }
  | {
    readonly type: "restart";
    readonly names: readonly string[];
    /** What those are from now on whose specs have changed. */
    readonly specs?: readonly ProcessSpec[];
    readonly environment: Readonly<Record<string, string>>;
    readonly options: StopOptions;
  }
  | { readonly type: "end"; readonly options: StopOptions };

/** The answer: how everything is now, or why it was not done. */
export type ControlAnswer =
  | { readonly kind: "ok"; readonly processes: readonly ProcessView[] }
  | { readonly kind: "error"; readonly message: string };

/** The longest request or answer, in bytes. */
export const MAX_CONTROL_BYTES = 64 * 1024 * 1024;

/** Reads a line. @returns Undefined if the other side ends without one. */
export async function readLine(connection: Deno.Conn): Promise<string | undefined> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  const parts: string[] = [];
  let length = 0;
  while (length < MAX_CONTROL_BYTES) {
    const read = await connection.read(buffer);
    if (read === null) return undefined;
    length += read;
    const part = decoder.decode(buffer.subarray(0, read), { stream: true });
    const end = part.indexOf("\n");
    if (end >= 0) return [...parts, part.slice(0, end)].join("");
    parts.push(part);
  }
  return undefined;
}

/** Writes a value as a line. */
export async function writeLine(connection: Deno.Conn, value: unknown): Promise<void> {
  let data = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  while (data.length > 0) data = data.subarray(await connection.write(data));
}
