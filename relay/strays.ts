/**
 * Stray work: stored under a session or role that no agent can have, since the stream listens to
 * wildcards. It is looked for now and then, and becomes a dead letter, so that it does not wait
 * forever in silence. With it goes what a killed nats-server has left behind, see remains.ts.
 *
 * @module
 */
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { getLogger } from "@logtape/logtape";
import {
  type Connection,
  type LogWriter,
  readNextOf,
  type StoredMessage,
  workIdentity,
} from "@ourocodus/bus";
import {
  invalidName,
  messageOf,
  parseMessage,
  strayWorkSubjects,
  WORK_STREAM,
  workId,
} from "@ourocodus/protocol";
import { storeDeadLetter } from "./dead_letter.ts";
import { removeRemains } from "./remains.ts";

/** What {@linkcode StrayCollector} needs. */
export interface StrayCollectorOptions {
  readonly connection: Connection;
  readonly writer: LogWriter;
  /** Told if there is an error result but no dead letter. */
  readonly onProblem: (reason: string) => void;
  /** How often to look, in milliseconds; one minute by default. */
  readonly everyMs?: number;
}

const MINUTE_MS = 60_000;
/** How many messages are read for one subject each time, at most. */
const MAX_READS = 10_000;
const log = getLogger(["ourocodus", "relay"]);

/** Looks for stray work, at once and then again and again. */
export class StrayCollector {
  readonly #options: StrayCollectorOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Subject → the sequence up to which there is none of it any more. */
  readonly #looked = new Map<string, number>();
  #created: string | undefined;
  #running: Promise<void>;

  constructor(options: StrayCollectorOptions) {
    this.#options = options;
    this.#running = this.#collect();
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.#collect());
    }, options.everyMs ?? MINUTE_MS);
  }

  /** Stops, after what is under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #collect(): Promise<void> {
    const { connection } = this.#options;
    if (!connection.connected) return;
    try {
      const manager = await jetstreamManager(connection.nats, { checkAPI: false });
      const info = await manager.streams.info(WORK_STREAM, { subjects_filter: ">" });
      await removeRemains(connection, manager, info);
      // Its sequences begin anew in a stream that was made anew.
      if (info.created !== this.#created) this.#looked.clear();
      this.#created = info.created;
      for (const subject of Object.keys(info.state.subjects ?? {})) {
        if (strayWorkSubjects(subject, "") !== undefined) await this.#collectOf(subject, manager);
      }
    } catch (error) {
      log.warn("stray work cannot be looked for", { error: messageOf(error) });
    }
  }

  async #collectOf(subject: string, manager: JetStreamManager): Promise<void> {
    for (let reads = 0; reads < MAX_READS; reads++) {
      const after = this.#looked.get(subject) ?? 0;
      const work = await readNextOf(this.#options.connection, WORK_STREAM, subject, after);
      if (work === undefined) return;
      // Another's work, where this subject is taken for a pattern.
      if (work.subject === subject) {
        await this.#bury(work);
        // Another relay may have been faster.
        const deleted = await manager.streams.deleteMessage(WORK_STREAM, work.sequence, false)
          .catch(() => false);
        if (deleted) log.warn("stray work is dead", { subject, seq: work.sequence });
      }
      this.#looked.set(subject, work.sequence);
    }
  }

  async #bury(work: StoredMessage): Promise<void> {
    const identity = workIdentity(work);
    const subjects = strayWorkSubjects(work.subject, identity);
    if (subjects === undefined) return;
    const [, session = "", , role = ""] = work.subject.split(".");
    const wrong = invalidName(session);
    const message = wrong === undefined ? `role ${invalidName(role)}` : `session ${wrong}`;
    await storeDeadLetter(
      {
        ...subjects,
        identity,
        id: workId(parseMessage(new TextDecoder().decode(work.data)), work.sequence),
        session,
        role,
        attempts: 0,
        data: work.data,
      },
      { code: "invalid_name", message },
      this.#options,
    );
  }
}
