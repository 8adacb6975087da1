import { type Clock, within } from "../clock.ts";
import type { MarkedProcess } from "./marked_process.ts";

/** Options of {@linkcode awaitCommand}. */
export interface AwaitOptions {
  /** Ends the command when it is aborted. */
  readonly signal: AbortSignal;
  /** How long the command may take, in milliseconds; without it as long as it likes. */
  readonly timeoutMs: number | undefined;
  /** How long after SIGTERM SIGKILL comes, in milliseconds. */
  readonly killAfterMs: number;
  readonly clock: Clock;
  /** Takes what it writes to its standard output, and to standard error. */
  readonly onOutput: (chunk: Uint8Array) => void | Promise<void>;
  readonly onError: (chunk: Uint8Array) => void;
}

/** How a command ended, and why it was ended, if it was. */
export interface CommandEnd {
  readonly status: Deno.CommandStatus;
  readonly cause: "timeout" | "aborted" | undefined;
}

/** How long to read on when the command has ended: what it left behind may hold its output open. */
const OUTPUT_GRACE_MS = 1_000;

/** Waits until a command, and everything that it has started, has ended; or sees to that. */
export async function awaitCommand(
  process: MarkedProcess,
  options: AwaitOptions,
): Promise<CommandEnd> {
  const { signal, timeoutMs, killAfterMs, clock, onOutput, onError } = options;
  const stopReading = new AbortController();
  const reading = Promise.all([
    readAll(process.stdout, onOutput, stopReading.signal),
    readAll(process.stderr, onError, stopReading.signal),
  ]);
  let cause: CommandEnd["cause"];
  let ending: Promise<void> | undefined;
  const end = (why: "timeout" | "aborted") => {
    cause ??= why;
    ending ??= process.end(killAfterMs);
  };
  const onAbort = () => end("aborted");
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  const callOff = timeoutMs === undefined ? () => {} : clock.after(timeoutMs, () => end("timeout"));
  const status = await process.status;
  callOff();
  await ending;
  await within(clock, OUTPUT_GRACE_MS, reading);
  stopReading.abort();
  await reading;
  signal.removeEventListener("abort", onAbort);
  await (ending ?? process.end(killAfterMs));
  return { status, cause };
}

/** Reads a stream to its end, or until it is to stop. */
async function readAll(
  stream: ReadableStream<Uint8Array>,
  take: (chunk: Uint8Array) => void | Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const reader = stream.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  stop.addEventListener("abort", cancel);
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    await take(part.value);
  }
  stop.removeEventListener("abort", cancel);
}
