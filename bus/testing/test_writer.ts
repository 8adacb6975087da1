/**
 * A writer of the log on a real nats-server.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { eventsSubject, LOG_STREAM } from "@ourocodus/protocol";
import { type TestNats, until } from "../../tests/support/mod.ts";
import { connect, type Connection } from "../connection.ts";
import type { Stored } from "../log/log_entry.ts";
import { LogWriter } from "../log/log_writer.ts";
import { ensureStreams } from "../streams.ts";

/** Where {@linkcode TestWriter.append} puts its entries. */
export const SUBJECT = eventsSubject("s");
const UTF8 = new TextEncoder();

/** A writer, and what it reports. */
export class TestWriter implements AsyncDisposable {
  readonly problems: string[] = [];
  readonly settled = new Map<string, Stored>();
  private constructor(
    readonly nats: TestNats,
    readonly connection: Connection,
    readonly client: Connection,
    readonly manager: JetStreamManager,
    readonly writer: LogWriter,
  ) {}

  static async start(
    nats: TestNats,
    { port = nats.port }: { readonly port?: number } = {},
  ): Promise<TestWriter> {
    const connection = await connect({ url: `127.0.0.1:${port}` });
    const client = await connect({ url: nats.url });
    await ensureStreams(client);
    const manager = await jetstreamManager(client.nats);
    const onProblem = (reason: string) => test.problems.push(reason);
    const writer = new LogWriter(connection, { onProblem });
    const test: TestWriter = new TestWriter(nats, connection, client, manager, writer);
    return test;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.writer.close();
    await this.connection.close();
    await this.client.close();
  }

  append(id: string, text = id): void {
    this.writer.append({
      subject: SUBJECT,
      data: UTF8.encode(text),
      id,
      onSettled: (stored) => {
        assert.ok(!this.settled.has(id), `${id} is settled twice`);
        this.settled.set(id, stored);
      },
    });
  }

  kind(id: string): string | undefined {
    return this.settled.get(id)?.kind;
  }

  async stored(): Promise<number> {
    return (await this.manager.streams.info(LOG_STREAM)).state.messages;
  }

  /** Every identity in the log, in order. */
  async ids(): Promise<string[]> {
    await until(() => this.client.connected);
    const consumer = `${this.client.nats.info?.client_id}`;
    const ids: string[] = [];
    const subscription = this.client.nats.subscribe(`ids.${consumer}`, {
      callback: (_, msg) => {
        ids.push(msg.headers?.get("Nats-Msg-Id") ?? "");
      },
    });
    await this.manager.consumers.add(LOG_STREAM, {
      deliver_subject: `ids.${consumer}`,
      ack_policy: "none",
      deliver_policy: "all",
    });
    const count = await this.stored();
    await until(() => ids.length >= count, { message: `${count} messages` });
    subscription.unsubscribe();
    return ids;
  }
}
