import type * as acp from "@agentclientprotocol/sdk/unstable";

/** Options of {@linkcode messageStream}. */
export interface MessageStreamOptions {
  /** The longest line, in bytes. */
  readonly maxLineBytes: number;
  /** Sees each message first. @returns Whether it has dealt with it. */
  readonly take?: (message: acp.AnyMessage) => boolean;
  /** Told the beginning of each line that is no JSON object; agents print what they like. */
  readonly onNoise?: (text: string) => void;
}

/** Messages over a process' standard input and output. */
export interface MessageStream extends acp.Stream {
  /** Closes the input of a process that has ended; the SDK leaves it open. */
  readonly closeInput: () => Promise<void>;
}

/** A line is longer than allowed. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";

  constructor(readonly maxLineBytes: number) {
    super(`a line on standard output is longer than ${maxLineBytes} bytes`);
  }
}

const NEWLINE = 10;
const MAX_NOISE_BYTES = 500;

/**
 * Messages, one JSON object a line, over a process' standard input and output.
 *
 * The SDK's own `ndJsonStream` answers each line that is no JSON with an error, which agents then
 * have to make sense of; here such lines are told to `onNoise` and left out.
 */
export function messageStream(
  input: WritableStream<Uint8Array>,
  output: ReadableStream<Uint8Array>,
  options: MessageStreamOptions,
): MessageStream {
  const writer = input.getWriter();
  const encoder = new TextEncoder();
  return {
    readable: output.pipeThrough(new TransformStream(lineReader(options))),
    writable: new WritableStream({
      write: (message) => writer.write(encoder.encode(`${JSON.stringify(message)}\n`)),
      close: () => writer.close(),
      abort: (reason) => writer.abort(reason),
    }),
    closeInput: () => writer.abort().catch(() => {}),
  };
}

function lineReader(
  { maxLineBytes, take: takes, onNoise }: MessageStreamOptions,
): Transformer<Uint8Array, acp.AnyMessage> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  const take = (piece: Uint8Array) => {
    length += piece.length;
    if (length > maxLineBytes) throw new LineTooLong(maxLineBytes);
    pieces.push(piece);
  };
  const endLine = (controller: TransformStreamDefaultController<acp.AnyMessage>) => {
    const line = joined(pieces, length);
    pieces = [];
    length = 0;
    const message = messageIn(line);
    if (message !== undefined) {
      if (!takes?.(message)) controller.enqueue(message);
    } else if (line.length > 0) {
      const text = new TextDecoder().decode(line.subarray(0, MAX_NOISE_BYTES)).trim();
      if (text !== "") onNoise?.(text);
    }
  };
  return {
    transform(chunk, controller) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        take(chunk.subarray(start, end));
        endLine(controller);
        start = end + 1;
      }
      // Copied: the process' reader may use its buffer again.
      if (start < chunk.length) take(chunk.slice(start));
    },
    flush: endLine,
  };
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function messageIn(line: Uint8Array): acp.AnyMessage | undefined {
  try {
    const value = JSON.parse(new TextDecoder().decode(line));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? value : undefined;
  } catch {
    return undefined;
  }
}
