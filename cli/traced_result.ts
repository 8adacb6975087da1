import { type Connection, type LogRecord, readLog } from "@ourocodus/bus";
import type { WorkTrace } from "@ourocodus/ops";
import { outcomeSubjects } from "@ourocodus/protocol";

/** The record of the result that a trace tells of; undefined if there is none (any more). */
export async function tracedResult(
  connection: Connection,
  { session_id, role, result }: WorkTrace,
): Promise<LogRecord | undefined> {
  if (result === null) return undefined;
  const { sequence } = result;
  const subject = outcomeSubjects(session_id, role);
  for await (const record of readLog(connection, subject, { fromSequence: sequence })) {
    return record.sequence === sequence ? record : undefined;
  }
  return undefined;
}
