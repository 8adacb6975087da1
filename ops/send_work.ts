/**
 * Sending work: publishing to `sessions.{session}.work.{role}` so that nothing is lost and nothing
 * is stored twice; work_sender.ts has how.
 *
 * @module
 */
import { type Connection, PublishError } from "@ourocodus/bus";
import { workSubject } from "@ourocodus/protocol";
import { type Work, workText } from "./prepare_work.ts";
import type { SendAllOptions, SendOptions, SendSummary, SentWork } from "./send_options.ts";
import { fingerprint, takenIds } from "./taken_ids.ts";
import { WorkSender } from "./work_sender.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Sends one work item and waits until the server has stored it. The streams are made if they
 * don't exist.
 *
 * @throws {TakenIdError} If another message was sent with its `Nats-Msg-Id` within the stream's
 * duplicate window. Nothing is stored then.
 * @throws {PublishError} If it is larger than the server takes, was refused, or was not
 * acknowledged in time (it may be stored then: sending it again with the same id is safe).
 * @throws {InvalidNameError} If the session or the role cannot stand in a subject.
 * @throws The signal's reason, if it was aborted.
 */
export async function sendWork(
  connection: Connection,
  work: Work,
  options: SendOptions = {},
): Promise<SentWork> {
  workSubject(work.session, work.role);
  let sent: SentWork | undefined;
  let failure: Error | undefined;
  const { stopped } = await sendAllWork(connection, [work], {
    timeoutMs: DEFAULT_TIMEOUT_MS,
    ...options,
    onSent: (_, value) => sent = value,
    onFailed: (_, error) => failure = error,
  });
  if (sent === undefined) {
    throw failure ?? stopped ?? new PublishError(`Cannot send ${work.id}: not acknowledged`);
  }
  if (sent.known) await refuseTaken(connection, work, sent, options);
  return sent;
}

async function refuseTaken(
  connection: Connection,
  work: Work,
  { id, sequence, duplicate }: SentWork,
  { signal }: SendOptions,
): Promise<void> {
  const known = { id, sequence, duplicate, fingerprint: fingerprint(workText(work)) };
  const [taken] = (await takenIds(connection, work, [known], { signal })).values();
  signal?.throwIfAborted();
  if (taken !== undefined) throw taken;
}

/**
 * Sends any number of work items, many at a time, and waits until each is acknowledged. A lost
 * connection or a restarted server only delays it.
 *
 * @param source Read no faster than the server stores. It is closed if sending ends early.
 * @returns The counts; duplicates were not compared, see `takenIds`. It does not throw for what goes
 * wrong with messages or with the server.
 * @throws {RangeError} If the window is not a whole number from 1.
 */
export async function sendAllWork<W extends Work>(
  connection: Connection,
  source: Iterable<W> | AsyncIterable<W>,
  options: SendAllOptions<W> = {},
): Promise<SendSummary> {
  const { window } = options;
  if (window !== undefined && (!Number.isSafeInteger(window) || window < 1)) {
    throw new RangeError(`window is ${window}, it must be a whole number from 1`);
  }
  return await new WorkSender(connection, options).run(source);
}
