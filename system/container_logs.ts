/**
 * Containers' logs.
 *
 * @module
 */
import { SHOWN_LINES } from "./control_client.ts";
import type { DockerEngine } from "./docker_engine.ts";

/** Splits what Docker sends into lines: frames of 8 bytes of head, whose last 4 are the length. */
export class ContainerLogLines {
  #waiting: Uint8Array = new Uint8Array();
  #text = "";
  readonly #decoder = new TextDecoder();

  /** Takes a piece. @returns The lines that are complete with it. */
  add(part: Uint8Array): string[] {
    const all = new Uint8Array(this.#waiting.length + part.length);
    all.set(this.#waiting);
    all.set(part, this.#waiting.length);
    let at = 0;
    while (all.length - at >= HEAD) {
      const length = new DataView(all.buffer, all.byteOffset + at + 4, 4).getUint32(0);
      if (all.length - at - HEAD < length) break;
      const frame = all.subarray(at + HEAD, at + HEAD + length);
      this.#text += this.#decoder.decode(frame, { stream: true });
      at += HEAD + length;
    }
    this.#waiting = all.slice(at);
    const lines = this.#text.split("\n");
    this.#text = lines.pop() ?? "";
    return lines;
  }
}

const HEAD = 8;

/** The last lines of a container's log. */
export async function containerLogEnd(
  engine: DockerEngine,
  id: string,
  count: number = SHOWN_LINES,
): Promise<string[]> {
  const logs = await engine.getContainer(id)
    .logs({ stdout: true, stderr: true, tail: count, follow: false });
  return new ContainerLogLines().add(logs);
}

/** The lines that come to a container's log, or all of them, until it ends or the signal. */
export async function* followContainerLog(
  engine: DockerEngine,
  id: string,
  options: { readonly all: boolean; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  const stream = await engine.getContainer(id)
    .logs({ stdout: true, stderr: true, tail: options.all ? "all" : 0, follow: true });
  const end = () => stream.destroy();
  options.signal.addEventListener("abort", end);
  const lines = new ContainerLogLines();
  try {
    if (options.signal.aborted) return;
    for await (const part of stream) yield* lines.add(part);
  } catch (error) {
    if (!options.signal.aborted) throw error;
  } finally {
    options.signal.removeEventListener("abort", end);
    stream.destroy();
  }
}
