/**
 * How a long-running program is asked to stop.
 *
 * @module
 */

/** The signals that end a program, with the exit codes that tell so. */
const EXIT_CODE = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Signals so close to the first are taken for the same one, in milliseconds: `deno task` passes
 * Ctrl-C on, which the terminal has sent already, so it comes twice within a millisecond.
 */
const SAME_MS = 100;

/**
 * A signal that is aborted by the first SIGINT or SIGTERM, with its name as the reason. The second
 * ends the process at once, with 130 or 143.
 *
 * @param beforeExit Called before that, with the second one's name; what it begins is not waited for.
 */
export function stopSignal(beforeExit: (second: Deno.Signal) => void = () => {}): AbortSignal {
  const stop = new AbortController();
  let first = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => {
      if (!stop.signal.aborted) {
        first = performance.now();
        stop.abort(name);
      } else if (performance.now() - first > SAME_MS) {
        beforeExit(name);
        Deno.exit(EXIT_CODE[name]);
      }
    });
  }
  return stop.signal;
}
