/**
 * Giving a work item that an agent has more time: for its deadline, and until its agent has to say
 * something about it. The relay whose agent has it answers.
 *
 * @module
 */
import { askMany, type Connection, readStored, workIdentity } from "@ourocodus/bus";
import {
  type ExtendedWork,
  parseExtendedWork,
  RELAYS_WORK_EXTEND_SUBJECT,
  WORK_STREAM,
} from "@ourocodus/protocol";
import type { WorkTrace } from "./work_trace_types.ts";

/** How long relays have to answer, in milliseconds. */
const RELAYS_MS = 3_000;

/**
 * Gives more time.
 *
 * @param found Which work, as `traceWork` has found it.
 * @param ms How much more, in milliseconds, 1 to 2 592 000 000.
 * @returns What the relay says that has it; `undefined` if no relay says so, or it is finished.
 * @throws {StreamError} If the queue cannot be asked.
 */
export async function extendWork(
  connection: Connection,
  found: Pick<WorkTrace, "work_sequence">,
  ms: number,
): Promise<ExtendedWork | undefined> {
  const stored = await readStored(connection, WORK_STREAM, found.work_sequence);
  if (stored === undefined) return undefined;
  let extended: ExtendedWork | undefined;
  const request = { work: workIdentity(stored), ms };
  await askMany(connection, RELAYS_WORK_EXTEND_SUBJECT, [request], {
    waitMs: RELAYS_MS,
    onAnswer: (answer) => (extended ??= parseExtendedWork(answer.string())) !== undefined,
  });
  return extended;
}
