import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import {
  Acknowledger,
  connect,
  type Connection,
  consumerName,
  ensureStreams,
  FENCE,
  LogWriter,
  publishStored,
  readLastOf,
  WorkQueue,
  type WorkQueueOptions,
} from "@ourocodus/bus";
import { LOG_STREAM, outcomeSubject, RoleId, WORK_STREAM, workSubject } from "@ourocodus/protocol";
import { startNats, type TestNats, until } from "../../tests/support/mod.ts";
import { Relay } from "../relay.ts";
import { DEFAULT_LIMITS, type RelayLimits } from "../settings.ts";
import { FakeAgent, type FakeAgentOptions, type GivenWork } from "./fake_agent.ts";

/** A message of the log. */
export interface Logged {
  readonly subject: string;
  readonly text: string;
  readonly header: (name: string) => string;
}

/** An event, parsed. */
export interface LoggedEvent {
  readonly type: string;
  readonly payload: Record<string, unknown>;
}

/** What differs from a relay with the default limits on a nats-server of its own. */
export interface TestRelayOptions {
  /** A server of somebody else's, which is left running. */
  readonly nats?: TestNats;
  /** Where the relay, not who looks on, reaches it; by default where it is. */
  readonly natsUrl?: string;
  readonly limits?: Partial<RelayLimits>;
  readonly queue?: WorkQueueOptions;
  readonly natsConfig?: string;
  readonly logMaxMsgSize?: number;
}

/** A relay's core on a real nats-server, with a second connection to look on. */
export class TestRelay implements AsyncDisposable {
  readonly nats: TestNats;
  readonly relay: Relay;
  readonly connection: Connection;
  readonly client: Connection;
  readonly writer: LogWriter;
  readonly #manager: JetStreamManager;
  readonly #ending: () => Promise<void>;

  /** Starts one. */
  static async start(options: TestRelayOptions = {}): Promise<TestRelay> {
    const nats = options.nats ?? await startNats({ config: options.natsConfig });
    const connection = await connect({ url: options.natsUrl ?? nats.url });
    const client = await connect({ url: nats.url });
    await ensureStreams(connection, {}, { upgrade: true });
    const manager = await jetstreamManager(client.nats);
    if (options.logMaxMsgSize !== undefined) {
      await manager.streams.update(LOG_STREAM, { max_msg_size: options.logMaxMsgSize });
    }
    const queue = new WorkQueue(connection, options.queue);
    const writer = new LogWriter(connection);
    const acknowledger = new Acknowledger(connection);
    const relay = new Relay(
      { connection, queue, writer, acknowledger },
      { ...DEFAULT_LIMITS, ...options.limits },
    );
    return new TestRelay({ nats, connection, client, writer, relay, manager }, async () => {
      await relay.close();
      await queue.close();
      await acknowledger.close();
      writer.close();
      await connection.close();
      await client.close();
      if (options.nats === undefined) await nats[Symbol.asyncDispose]();
    });
  }

  private constructor(
    parts: Pick<TestRelay, "nats" | "relay" | "connection" | "client" | "writer"> & {
      readonly manager: JetStreamManager;
    },
    ending: () => Promise<void>,
  ) {
    this.nats = parts.nats;
    this.relay = parts.relay;
    this.connection = parts.connection;
    this.client = parts.client;
    this.writer = parts.writer;
    this.#manager = parts.manager;
    this.#ending = ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ending();
  }

  /** Connects an agent. */
  agent(options: FakeAgentOptions = {}): FakeAgent {
    return new FakeAgent(this.relay, options);
  }

  /** Publishes work of session `s` and role `r`, one message for each id. */
  work(...ids: string[]): void {
    for (const id of ids) this.publish(JSON.stringify({ id, type: "work", payload: { n: id } }));
  }

  /** Publishes anything as work. */
  publish(data: string | Uint8Array, session = "s", role = "r"): void {
    this.client.nats.publish(workSubject(session, role), data);
  }

  /**
   * Stores an outcome of work of session `s` and role `r`, as another relay does.
   *
   * @param work Its identity.
   */
  async answerElsewhere(
    work: string,
    text = "{}",
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await publishStored(this.client, outcomeSubject("s", "r", work), text, {
      headers: { ...FENCE, ...headers },
      stream: LOG_STREAM,
      timeoutMs: 5_000,
    });
  }

  /** Removes a work item from the queue, as cancelling does. */
  async remove(sequence: number): Promise<void> {
    await this.#manager.streams.deleteMessage(WORK_STREAM, sequence);
  }

  /** How many work items have no outcome yet. */
  async waiting(): Promise<number> {
    return (await this.#manager.streams.info(WORK_STREAM)).state.messages;
  }

  /**
   * Waits until the relay answers for this many work items, and has offered them. A role that has just
   * opened asks two things of the log before: what the same connection asks after that is answered later.
   */
  async hasInHand(count: number): Promise<void> {
    await until(() => this.relay.health().in_hand === count, { message: `${count} in hand` });
    for (let asked = 0; asked < 3; asked++) {
      await readLastOf(this.connection, LOG_STREAM, "sessions.nobody.events");
    }
  }

  /** Waits until this many work items have no outcome yet; by default none. */
  async hasWaiting(count = 0): Promise<void> {
    await until(async () => await this.waiting() === count, { message: `${count} waiting` });
  }

  /**
   * Removes the consumer of session `s` and role `r`, as JetStream does when the consumer has not
   * been used for long.
   */
  async removeConsumer(): Promise<void> {
    await this.#manager.consumers.delete(WORK_STREAM, consumerName(new RoleId("s", "r")));
  }

  /** All of the log, or what one kind of subject has. */
  async log(kind = ""): Promise<Logged[]> {
    await until(() => this.writer.heldBytes === 0, { message: "everything to be stored" });
    const { state } = await this.#manager.streams.info(LOG_STREAM);
    const logged: Logged[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await this.#manager.streams.getMessage(LOG_STREAM, { seq });
      if (message === null || !message.subject.split(".").includes(kind || "sessions")) continue;
      const header = (name: string) => message.header.get(name);
      logged.push({
        subject: message.subject,
        text: new TextDecoder().decode(message.data),
        header,
      });
    }
    return logged;
  }

  /** Texts of the results, in order. */
  async results(): Promise<string[]> {
    return (await this.log("outcomes")).map(({ text }) => text);
  }

  /** Waits until there are as many results. @returns Each, parsed. */
  async hasResults(count: number): Promise<Record<string, unknown>[]> {
    const texts = await until(async () => {
      const results = await this.results();
      return results.length >= count && results;
    }, { message: `${count} results` });
    return texts.map((text) => JSON.parse(text));
  }

  /** All events, in order. */
  async events(): Promise<LoggedEvent[]> {
    return (await this.log("events")).map(({ text }) => JSON.parse(text));
  }

  /** Work items that events of this type list. */
  async recorded(type: string): Promise<Record<string, unknown>[]> {
    return (await this.events()).filter((event) => event.type === type)
      .flatMap(({ payload }) => payload.work as Record<string, unknown>[]);
  }

  /** Waits until there are as many events of a type. @returns Their payloads. */
  async hasEvents(type: string, count = 1): Promise<Record<string, unknown>[]> {
    return await until(async () => {
      const events = (await this.events()).filter((event) => event.type === type);
      return events.length >= count && events.map(({ payload }) => payload);
    }, { message: `${count} ${type}` });
  }

  /** Waits until events of this type list a work item. @returns All that they list. */
  async hasRecorded(type: string, count = 1): Promise<Record<string, unknown>[]> {
    return await until(async () => {
      const works = await this.recorded(type);
      return works.length >= count && works;
    }, { message: `${count} in ${type}` });
  }
}

/** Work that agent `a` has from a relay that is gone. */
export async function workOfGoneRelay(options: TestRelayOptions): Promise<GivenWork> {
  await using gone = await TestRelay.start(options);
  const agent = gone.agent({ agentId: "a", v1: true });
  gone.work("1");
  return await agent.hasWork();
}
