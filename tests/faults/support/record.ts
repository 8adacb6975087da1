/**
 * What a fault did: a row of tests/FAULTS.md.
 *
 * @module
 */

/** One fault's record. */
export interface FaultRecord {
  /** The fault, as issue and test call it. */
  readonly fault: string;
  /** Work that was lost or had two outcomes; "nothing" if all is well. */
  readonly lost: string;
  /** Work items that the books were kept of. */
  readonly works: number;
  /** How long it took until work went on, in milliseconds; undefined where nothing stood still. */
  readonly wentOnMs?: number;
  /** What happened instead, or besides. */
  readonly note?: string;
  /** How many nats-servers there were. */
  readonly servers: number;
}

/** The variable that names the file to which records are appended; without it none are kept. */
export const RECORDS_VARIABLE = "OUROCODUS_FAULT_RECORDS";

/** The variable that says on how many nats-servers faults are tried; 1 where it is not set. */
export const SERVERS_VARIABLE = "OUROCODUS_FAULT_SERVERS";

/** How many nats-servers the run is on, if it says so. */
export const ASKED_SERVERS = Deno.env.has(SERVERS_VARIABLE)
  ? Number(Deno.env.get(SERVERS_VARIABLE))
  : undefined;

/** How many nats-servers a scene has. */
export const SERVERS = ASKED_SERVERS ?? 1;

/** Appends a record to the file of the run, if it keeps one. */
export function keepRecord(record: FaultRecord): void {
  const file = Deno.env.get(RECORDS_VARIABLE);
  if (file === undefined) return;
  Deno.writeTextFileSync(file, `${JSON.stringify(record)}\n`, { append: true });
}

/** Reads the records of a run. */
export function parseRecords(text: string): FaultRecord[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
