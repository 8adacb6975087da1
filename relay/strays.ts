/**
 * Stray work: stored under a session or role that no agent can have, since the stream listens to
 * wildcards. It is looked for now and then, and becomes a dead letter, so that it does not wait for
 * ever in silence. With it goes what a killed nats-server has left behind, see remains.ts.
 *
 * @module
 */
import {
  type Connection,
  invalidName,
  type LogWriter,
  messageOf,
  parseMessage,
  readFirstOf,
  type StoredMessage,
  strayWorkSubjects,
  WORK_STREAM,
} from "@ourocodus/bus";
import { jetstreamManager } from "@nats-io/jetstream";
import { getLogger } from "@logtape/logtape";
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
const log = getLogger(["ourocodus", "relay"]);

/** Looks for stray work, at once and then again and again. */
export class StrayCollector {
  readonly #options: StrayCollectorOptions;
  readonly #timer: ReturnType<typeof setInterval>;
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
      for (const subject of Object.keys(info.state.subjects ?? {})) {
        const outcome = strayWorkSubjects(subject);
        if (outcome === undefined) continue;
        for (;;) {
          const work = await readFirstOf(connection, WORK_STREAM, subject);
          // A subject of another's work, should this one have been taken for a pattern.
          if (work === undefined || work.subject !== subject) break;
          await this.#bury(work, outcome);
          // Another relay may have been faster.
          const deleted = await manager.streams.deleteMessage(WORK_STREAM, work.sequence, false)
            .catch(() => false);
          if (!deleted) break;
          log.warn("stray work is dead", { subject, seq: work.sequence });
        }
      }
    } catch (error) {
      log.warn("stray work cannot be looked for", { error: messageOf(error) });
    }
  }

  async #bury(
    work: StoredMessage,
    outcome: { readonly results: string; readonly dead: string },
  ): Promise<void> {
    const [, session = "", , role = ""] = work.subject.split(".");
    const wrong = invalidName(session);
    const message = wrong === undefined ? `role ${invalidName(role)}` : `session ${wrong}`;
    const parsed = parseMessage(new TextDecoder().decode(work.data));
    const id = parsed.kind === "ok" ? parsed.message.id : parsed.id;
    await storeDeadLetter(
      {
        ...outcome,
        identity: `${work.sequence}.${work.timeNs}`,
        id: id ?? `work-${work.sequence}`,
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
