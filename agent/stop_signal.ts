/** The signals that end a program, with the exit codes that tell so. */
const EXIT_CODE = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * A signal that is aborted by the first SIGINT or SIGTERM. The second ends the process at once,
 * with 130 or 143.
 *
 * @param beforeExit Called before that; what it begins is not waited for.
 */
export function stopSignal(beforeExit: () => void = () => {}): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => {
      if (stop.signal.aborted) {
        beforeExit();
        Deno.exit(EXIT_CODE[name]);
      }
      stop.abort();
    });
  }
  return stop.signal;
}
