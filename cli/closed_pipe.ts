/**
 * Noticing that nobody reads a pipe any more, without writing to it. `tail … | head -1` ends
 * `head` after a line; a tail that has nothing to print for an hour would otherwise stay for that
 * hour, and the shell with it.
 *
 * @module
 */

const POLL_ERROR = 0x8 | 0x10 | 0x20;
const LIBRARIES = ["libc.so.6", "libc.so", "/usr/lib/libSystem.B.dylib"];

/**
 * Watches a file descriptor's reading end.
 *
 * @param descriptor 1 is standard output.
 * @param options How often to look, in milliseconds; 500 by default. `onClosed` is called once.
 * @returns A function that ends the watching. Where the system cannot be asked (Windows, no
 * permission), nothing is watched: the next line that is written finds out.
 */
export function watchClosedPipe(
  descriptor: number,
  options: { readonly everyMs?: number; readonly onClosed: () => void },
): () => void {
  let poll: ((descriptor: number) => boolean) | undefined;
  const timer = setInterval(() => {
    poll ??= openPoll();
    if (!poll(descriptor)) return;
    clearInterval(timer);
    options.onClosed();
  }, options.everyMs ?? 500);
  Deno.unrefTimer(timer);
  return () => clearInterval(timer);
}

/** poll(2) for one descriptor, without waiting: whether its other end is gone. */
function openPoll(): (descriptor: number) => boolean {
  for (const library of LIBRARIES) {
    try {
      const { symbols } = Deno.dlopen(library, {
        poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
      });
      return (descriptor) => {
        const request = new Int32Array([descriptor, 0]); // struct pollfd: fd, events, revents
        if (symbols.poll(new Uint8Array(request.buffer), 1n, 0) <= 0) return false;
        const [, , , revents = 0] = new Uint16Array(request.buffer);
        return (revents & POLL_ERROR) !== 0;
      };
    } catch {
      continue;
    }
  }
  return () => false;
}
