/**
 * A role's queue on a real nats-server.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  type ConsumerInfo,
  type JetStreamManager,
  jetstreamManager,
  type StreamState,
} from "@nats-io/jetstream";
import { RoleId, WORK_STREAM, workSubject } from "@ourocodus/protocol";
import { type TestNats, until } from "../../tests/support/mod.ts";
import { connect, type Connection } from "../connection.ts";
import type { Delivery, RoleQueue } from "../queue/role_queue.ts";
import { WorkQueue, type WorkQueueOptions } from "../queue/work_queue.ts";
import { ensureStreams } from "../streams.ts";

const WAKE = "wake";

/** A role's queue, and what it delivers. */
export class TestQueue implements AsyncDisposable {
  readonly deliveries: Delivery[] = [];
  readonly problems: string[] = [];
  readonly role: RoleQueue;
  #woken = false;

  private constructor(
    readonly queue: WorkQueue,
    readonly connection: Connection,
    readonly client: Connection,
    readonly manager: JetStreamManager,
    role: string,
  ) {
    this.role = queue.open(new RoleId("s", role), {
      onWork: (delivery) => {
        if (delivery.text === WAKE) {
          this.#woken = true;
          client.nats.publish(delivery.lease.subject, "+ACK");
        } else this.deliveries.push(delivery);
      },
      onProblem: (reason) => this.problems.push(reason),
    });
  }

  static async start(
    nats: TestNats,
    options: WorkQueueOptions & { readonly port?: number; readonly role?: string } = {},
  ): Promise<TestQueue> {
    const { port = nats.port, role = "r", ...queueOptions } = options;
    const connection = await connect({ url: `127.0.0.1:${port}` });
    const client = await connect({ url: nats.url });
    await ensureStreams(client);
    const manager = await jetstreamManager(client.nats);
    const queue = new WorkQueue(connection, queueOptions);
    const test = new TestQueue(queue, connection, client, manager, role);
    // A role sleeps until there is work.
    test.publish(WAKE);
    test.role.want(1);
    await until(() => test.#woken, { message: "the role to wake" });
    await until(async () => (await test.workInfo()).messages === 0);
    assert.equal(test.role.outstanding, 0);
    return test;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.queue.close();
    await this.connection.close();
    await this.client.close();
  }

  publish(...texts: string[]): void {
    for (const text of texts) this.client.nats.publish(workSubject("s", this.role.id.role), text);
  }

  get texts(): (string | undefined)[] {
    return this.deliveries.map(({ text }) => text);
  }

  async hasCome(count: number, timeoutMs = 10_000): Promise<void> {
    const message = `${count} deliveries`;
    await until(() => this.deliveries.length >= count, { message, timeoutMs });
  }

  /** Everything that was published before has been offered: a marker to another role has come. */
  async settled(): Promise<void> {
    await this.client.nats.flush();
    await this.connection.nats.flush();
    await this.info();
    await this.connection.nats.flush();
  }

  async workInfo(): Promise<StreamState> {
    return (await this.manager.streams.info(WORK_STREAM)).state;
  }

  /** The consumer, as the server sees it; throws while there is none. */
  async info(): Promise<ConsumerInfo> {
    return await this.manager.consumers.info(WORK_STREAM, `s=${this.role.id.role}`);
  }

  async removeConsumer(): Promise<void> {
    await this.manager.consumers.delete(WORK_STREAM, `s=${this.role.id.role}`);
  }

  async hasConsumer(): Promise<void> {
    await until(() => this.info().catch(() => false), { message: "the consumer" });
  }

  /** How many deliveries the server thinks are asked for. */
  async hasAsked(count: number): Promise<void> {
    await until(() => this.role.outstanding === count, { message: `${count} outstanding` });
  }
}
