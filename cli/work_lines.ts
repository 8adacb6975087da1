/**
 * Reading work from lines of JSON: one work item per line.
 *
 * @module
 */
import { newWorkId, workPayload, type WorkTarget } from "@ourocodus/ops";
import { describe, formatMessage, isObject, messageOf, parseWork } from "@ourocodus/protocol";

/** A work item, and the number of its line. */
export interface LineWork extends WorkTarget {
  readonly id: string;
  /** The whole message. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

/** What {@linkcode workLines} needs to know. */
export interface WorkLinesOptions {
  readonly target: WorkTarget;
  /** The longest line, in bytes: what the server takes. */
  readonly maxBytes: number;
  /** Called for every line that is no work, with the reason. */
  readonly onBadLine: (line: number, reason: string) => void;
}

/** What {@linkcode parseWorkLine} returns; `blank` lines are ignored. */
export type ParsedLine =
  | { readonly kind: "work"; readonly id: string; readonly text: string }
  | { readonly kind: "blank" }
  | { readonly kind: "bad"; readonly reason: string };

/**
 * Reads one line: a JSON string is a message, an object is a payload, and an object with all of
 * `id`, `type` and `payload` is a whole message, whose text stays as it is.
 */
export function parseWorkLine(line: string, target: WorkTarget): ParsedLine {
  const text = line.trim();
  if (text === "") return { kind: "blank" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: "bad", reason: `not valid JSON: ${messageOf(error)}` };
  }
  if (typeof value === "string") value = { message: value };
  if (!isObject(value)) {
    return { kind: "bad", reason: `must be a JSON object or a string, got ${describe(value)}` };
  }
  if (!("id" in value && "type" in value && "payload" in value)) {
    const id = newWorkId();
    return { kind: "work", id, text: formatMessage(id, "work", workPayload(target, value)) };
  }
  const parsed = parseWork(text);
  return parsed.kind === "ok"
    ? { kind: "work", id: parsed.message.id, text }
    : { kind: "bad", reason: parsed.reason };
}

/**
 * Reads work from the bytes of a file, as they come.
 *
 * @param chunks UTF-8; lines end with `\n` or `\r\n`, the last one may have no end.
 */
export async function* workLines(
  chunks: AsyncIterable<Uint8Array>,
  { target, maxBytes, onBadLine }: WorkLinesOptions,
): AsyncGenerator<LineWork> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const { number, bytes, tooLong } of lines(chunks, maxBytes)) {
    if (tooLong) {
      onBadLine(number, `more than ${maxBytes} bytes, which is the server's limit`);
      continue;
    }
    let parsed: ParsedLine;
    try {
      parsed = parseWorkLine(decoder.decode(bytes), target);
    } catch {
      parsed = { kind: "bad", reason: "not valid UTF-8" };
    }
    if (parsed.kind === "bad") onBadLine(number, parsed.reason);
    if (parsed.kind === "work") {
      yield {
        session: target.session,
        role: target.role,
        id: parsed.id,
        text: parsed.text,
        line: number,
      };
    }
  }
}

interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** If so, `bytes` are not all of it. */
  readonly tooLong: boolean;
}

const LINE_FEED = 10;

/** Cuts bytes into lines; at most `maxBytes` of a line are kept. */
async function* lines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Line> {
  let number = 1;
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const tail = chunk.subarray(start, end);
      const tooLong = restBytes + tail.length > maxBytes;
      const bytes = tooLong || rest.length === 0 ? tail : joined([...rest, tail]);
      yield { number: number++, bytes, tooLong };
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    const tail = chunk.subarray(start);
    restBytes += tail.length;
    if (restBytes <= maxBytes) rest.push(tail);
    else rest = [];
  }
  if (restBytes > 0) {
    yield { number, bytes: joined(rest), tooLong: restBytes > maxBytes };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
