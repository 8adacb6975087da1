/**
 * A load process: the contenders without a relay. Workers that are NATS clients themselves, one a
 * role: `direct` on plain subjects, `durable` on the same streams as the relay's.
 *
 * @module
 */
import { AckPolicy, jetstream, jetstreamManager, type JsMsg } from "@nats-io/jetstream";
import { connect, type Connection, consumerName, ensureStreams } from "@ourocodus/bus";
import {
  outcomeSubject,
  resultsSubject,
  RoleId,
  WORK_STREAM,
  workSubject,
} from "@ourocodus/protocol";
import { commands, readPlan, tell } from "./parent.ts";
import { type Load, resultOf, roleOf, sessionOf } from "./plan.ts";

interface Role {
  readonly session: string;
  readonly role: string;
  readonly results: string;
}

function roles(load: Load): Role[] {
  return Array.from({ length: load.agents }, (_, agent) => {
    const session = sessionOf(load, agent);
    const role = roleOf(agent);
    return { session, role, results: resultsSubject(session, role) };
  });
}

async function direct({ nats }: Connection, load: Load): Promise<void> {
  for (const { session, role, results } of roles(load)) {
    nats.subscribe(workSubject(session, role), {
      callback: (_error, msg) => nats.publish(results, resultOf(msg.string())),
    });
  }
  await nats.flush();
}

/** As JetStream is commonly used: consume, publish the result, wait for its storage, acknowledge. */
async function durable(connection: Connection, load: Load): Promise<void> {
  await ensureStreams(connection);
  const manager = await jetstreamManager(connection.nats);
  const client = jetstream(connection.nats);
  for (const { session, role } of roles(load)) {
    const name = consumerName(new RoleId(session, role));
    await manager.consumers.add(WORK_STREAM, {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      filter_subject: workSubject(session, role),
    });
    const consumer = await client.consumers.get(WORK_STREAM, name);
    const work = async (msg: JsMsg) => {
      const { streamSequence, timestampNanos } = msg.info;
      const subject = outcomeSubject(session, role, `${streamSequence}.${timestampNanos}`);
      await client.publish(subject, resultOf(msg.string()), {
        expect: { lastSubjectSequence: 0 },
      });
      msg.ack();
    };
    await consumer.consume({
      max_messages: load.concurrency,
      callback: (msg) => void work(msg),
    });
  }
}

const plan = readPlan();
const connection = await connect({ url: plan.natsUrl });
await (plan.contender === "direct" ? direct : durable)(connection, plan.load);
tell({ ready: true });
for await (const _ of commands()) break;
Deno.exit(0);
