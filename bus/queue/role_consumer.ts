/**
 * The consumer that JetStream keeps for a session's role.
 *
 * @module
 */
import { nanos } from "@nats-io/nats-core";
import { messageOf, RoleId, WORK_STREAM, workSubject } from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";

const REQUEST_TIMEOUT_MS = 5_000;

/** For how long a consumer keeps what. */
export interface RoleConsumerTimes {
  /** How long a lease lives unless it is extended, in milliseconds. */
  readonly ackWaitMs: number;
  /** When the consumer goes if nobody uses it, in milliseconds. */
  readonly inactiveMs: number;
}

/** The name of the consumer that hands out a role's work: its key, which leases carry therefore. */
export function consumerName({ key }: RoleId): string {
  return key;
}

/** The role whose work a consumer hands out; `undefined` if its name is none of ours. */
export function roleOfConsumer(name: string): RoleId | undefined {
  return RoleId.parse(name);
}

/**
 * Makes a role's consumer; one that is there already takes over the times.
 *
 * @returns What is wrong, or `undefined` if the consumer is there now.
 */
export async function ensureRoleConsumer(
  connection: Connection,
  id: RoleId,
  { ackWaitMs, inactiveMs }: RoleConsumerTimes,
): Promise<string | undefined> {
  const name = consumerName(id);
  const config = {
    name,
    durable_name: name,
    filter_subject: workSubject(id.session, id.role),
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
