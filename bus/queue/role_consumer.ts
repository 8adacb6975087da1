/**
 * The consumer that JetStream keeps for a session's role.
 *
 * @module
 */
import { nanos } from "@nats-io/nats-core";
import { consumerName, messageOf, WORK_STREAM, workSubject } from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";

const REQUEST_TIMEOUT_MS = 5_000;

/** For how long a consumer keeps what. */
export interface RoleConsumerTimes {
  /** How long a lease lives without being kept alive, in milliseconds. */
  readonly ackWaitMs: number;
  /** When the consumer goes if nobody uses it, in milliseconds. */
  readonly inactiveMs: number;
}

/**
 * Makes a role's consumer; one that is there already takes over the times.
 *
 * @returns What is wrong, or `undefined` if the consumer is there now.
 */
export async function ensureRoleConsumer(
  connection: Connection,
  { session, role }: { readonly session: string; readonly role: string },
  { ackWaitMs, inactiveMs }: RoleConsumerTimes,
): Promise<string | undefined> {
  const name = consumerName(session, role);
  const config = {
    name,
    durable_name: name,
    filter_subject: workSubject(session, role),
    ack_policy: "explicit",
    ack_wait: nanos(ackWaitMs),
    deliver_policy: "all",
    replay_policy: "instant",
    // Attempts are counted by the relay, which writes the dead letter; the server would leave
    // the message in the stream in silence.
    max_deliver: -1,
    max_ack_pending: -1,
    inactive_threshold: nanos(inactiveMs),
  };
  try {
    const reply = await connection.request(
      `$JS.API.CONSUMER.DURABLE.CREATE.${WORK_STREAM}.${name}`,
      JSON.stringify({ stream_name: WORK_STREAM, config }),
      REQUEST_TIMEOUT_MS,
    );
    const { error } = reply.json<{ error?: { description: string } }>();
    return error && `Cannot make consumer ${name}: ${error.description}`;
  } catch (error) {
    return `Cannot make consumer ${name}: ${messageOf(error)}`;
  }
}
