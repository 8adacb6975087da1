import { jetstreamManager } from "@nats-io/jetstream";
import {
  connect,
  type Connection,
  ensureStreams,
  type LogRecord,
  readLog,
  readNextOf,
  type StreamLimits,
} from "@ourocodus/bus";
import { sendWork } from "@ourocodus/ops";
import {
  deadSubject,
  eventsSubject,
  LOG_STREAM,
  type Message,
  outcomeSubjects,
  WORK_STREAM,
  WORK_SUBJECTS,
  workSubject,
} from "@ourocodus/protocol";
import { until } from "./until.ts";

/** A record of the log, with its message. */
export interface LoggedMessage extends LogRecord {
  readonly message: Message;
}

/** A client of the bus, as tests need it: sends work and looks at what became of it. */
export class BusClient implements AsyncDisposable {
  readonly connection: Connection;

  /** Connects, and makes the streams, with these limits if any are given. */
  static async connect(url: string, limits?: StreamLimits): Promise<BusClient> {
    const connection = await connect({ url, name: "test" });
    await ensureStreams(connection, limits);
    return new BusClient(connection);
  }

  private constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Sends work with a payload of `{message}`. @returns Its sequence. */
  async send(session: string, role: string, id: string, message = id): Promise<number> {
    const sent = await sendWork(this.connection, { session, role, id, payload: { message } });
    return sent.sequence;
  }

  /** Publishes any text as work, unacknowledged. */
  publish(session: string, role: string, data: string | Uint8Array): void {
    this.connection.nats.publish(workSubject(session, role), data);
  }

  /** The session's results that are stored. */
  async results(session: string): Promise<LoggedMessage[]> {
    return await this.#read(outcomeSubjects(session, "*"));
  }

  /** The session's events that are stored, of one type if asked. */
  async events(session: string, type?: string): Promise<LoggedMessage[]> {
    const events = await this.#read(eventsSubject(session));
    return events.filter(({ message }) => type === undefined || message.type === type);
  }

  /** The session's dead letters. */
  async dead(session: string): Promise<LogRecord[]> {
    return await Array.fromAsync(readLog(this.connection, deadSubject(session, "*")));
  }

  /** Waits until so many results are stored. */
  async hasResults(session: string, count: number, timeoutMs = 30_000): Promise<LoggedMessage[]> {
    return await until(async () => {
      const results = await this.results(session);
      return results.length >= count ? results : undefined;
    }, { message: `${count} results in session ${session}`, timeoutMs });
  }

  /** How many work items wait or run. */
  async waiting(): Promise<number> {
    const manager = await jetstreamManager(this.connection.nats);
    return (await manager.streams.info(WORK_STREAM)).state.messages;
  }

  /** Waits until nothing waits or runs: work leaves the queue a moment after its result came. */
  async hasNoWork(): Promise<void> {
    await until(async () => await this.waiting() === 0, { message: "all work to leave the queue" });
  }

  /** The sequences of what waits or runs. */
  async waitingSequences(): Promise<ReadonlySet<number>> {
    const sequences = new Set<number>();
    for (let after = 0;;) {
      const next = await readNextOf(this.connection, WORK_STREAM, WORK_SUBJECTS, after);
      if (next === undefined) return sequences;
      sequences.add(next.sequence);
      after = next.sequence;
    }
  }

  /** How many messages the work's queue has. */
  async queued(): Promise<number> {
    return await this.#messages(WORK_STREAM);
  }

  /** How many messages the log has. */
  async logged(): Promise<number> {
    return await this.#messages(LOG_STREAM);
  }

  async #messages(stream: string): Promise<number> {
    const manager = await jetstreamManager(this.connection.nats);
    return (await manager.streams.info(stream)).state.messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }

  async #read(subject: string | readonly string[]): Promise<LoggedMessage[]> {
    const records = await Array.fromAsync(readLog(this.connection, subject));
    return records.map((record) => ({ ...record, message: JSON.parse(record.text) as Message }));
  }
}
