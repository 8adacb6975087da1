/** To whom work goes, and what is done about its result. */
export interface Sending {
  readonly session: string;
  readonly role: string;
  /** How long to wait for a result, in milliseconds; undefined: not at all. */
  readonly waitMs?: number;
  readonly json: boolean;
}
