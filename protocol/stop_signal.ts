/**
 * How a long-running program is asked to stop.
 *
 * @module
 */

/** The signals that end a program, with the exit codes that tell so. */
const EXIT_CODE = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Signals of a kind so close to the first are taken for the same one, in milliseconds: `deno task` passes
 * Ctrl-C on, which the terminal has sent already, so it comes twice within a millisecond.
 */
const SAME_MS = 100;

/** As long as a second signal waits for what must be done before the end, in milliseconds. */
const EXIT_MS = 500;

/**
 * A signal that is aborted by the first SIGINT or SIGTERM, with its name as the reason. The second
 * ends the process at once, with 130 or 143, and so does a third.
 *
 * @param beforeExit Called before that, with the second one's name; what it returns is waited for,
 * for half a second at most.
 */
export function stopSignal(
  beforeExit: (second: Deno.Signal) => void | Promise<void> = () => {},
): AbortSignal {
  const stop = new AbortController();
  let first = 0;
  let ending = false;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => {
      if (!stop.signal.aborted) {
        first = performance.now();
        stop.abort(name);
      } else if (name !== stop.signal.reason || performance.now() - first > SAME_MS) {
        const exit = () => Deno.exit(EXIT_CODE[name]);
        if (ending) exit();
        ending = true;
        const done = beforeExit(name);
        if (done === undefined) exit();
        setTimeout(exit, EXIT_MS);
        void Promise.resolve(done).finally(exit);
      }
    });
  }
  return stop.signal;
}
