/**
 * The headers of what the log holds.
 *
 * @module
 */

/** Their names. */
export const LOG_HEADER = {
  /**
   * On results that are errors: `failed` if the agent or the result was at fault, `dead` if the work
   * is dead, `cancelled` if it was cancelled.
   */
  outcome: "Ourocodus-Outcome",
  /** On results: which attempt's it is, from 2 on; the first one's have none. */
  attempt: "Ourocodus-Attempt",
  /** On dead letters: why, machine-readable. */
  reason: "Ourocodus-Reason",
  /** On dead letters: why, for people. */
  error: "Ourocodus-Error",
  /** On dead letters: how often the work was tried. */
  attempts: "Ourocodus-Attempts",
  /** On dead letters: the work's sequence in the stream `OUROCODUS_WORK`. */
  workSequence: "Ourocodus-Work-Sequence",
  /** On dead letters that are not whole: the work's size in bytes. */
  cut: "Ourocodus-Cut",
  /** On work, and so on its copy: the identity of the work that it sends again, `{sequence}.{time}`. */
  retryOf: "Ourocodus-Retry-Of",
  /** On work that sends dead work again, and so on its copy: the dead letter's sequence in the log. */
  requeued: "Ourocodus-Requeued",
} as const;
