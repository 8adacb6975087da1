/**
 * Every exit code of the command line, in one table.
 *
 * @module
 */

/** The table, by name. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  timeout: 3,
  interrupted: 130,
  terminated: 143,
} as const;

/** One of {@linkcode EXIT}. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** The table for `--help`. */
export const EXIT_CODES_HELP = `Exit codes:
  0    success; with --wait: there is a result
  1    failure: an error as result, lines not sent, NATS not reachable, …
  2    the command line is wrong
  3    --wait, work wait: no result in time; result: no result yet
  130  ended by Ctrl-C (143 by SIGTERM)`;
