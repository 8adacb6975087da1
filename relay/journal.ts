/**
 * What happened, written to sessions' events: one event a type, session and turn of the event
 * loop, with a list in it, so that recording every work item costs little next to the work.
 *
 * That work was offered, which is all that happens to most of it, waits a moment for the results of
 * earlier work, to be stored together with them.
 *
 * @module
 */
import { nuid } from "@nats-io/nats-core";
import type { LogWriter } from "@ourocodus/bus";
import { eventsSubject, formatMessage, type WorkEventType } from "@ourocodus/protocol";

/** How long an offer waits for something to be stored with it, in milliseconds. */
const OFFER_WAIT_MS = 5;
/** How many characters of list one event holds, at most. */
const LIST_CHARACTERS = 32 * 1024;

/** What a {@linkcode Journal} needs. */
export interface JournalOptions {
  readonly writer: LogWriter;
  readonly relayId: string;
  /** While the writer holds more bytes than this, events are dropped: results go first. */
  readonly maxHeldBytes: number;
  /** Something waits for {@linkcode Journal.endTurn}. */
  readonly onPending: () => void;
}

/** Writes events through a {@linkcode LogWriter}. */
export class Journal {
  readonly #writer: LogWriter;
  readonly #relayId: string;
  readonly #maxHeldBytes: number;
  readonly #onPending: () => void;
  /** Session → type → items, as JSON. */
  #pending = new Map<string, Map<string, string[]>>();
  /** Whether more than offers is pending, or they have waited for long enough. */
  #urgent = false;
  #offers: ReturnType<typeof setTimeout> | undefined;
  #dropped = 0;

  constructor(options: JournalOptions) {
    this.#writer = options.writer;
    this.#relayId = options.relayId;
    this.#maxHeldBytes = options.maxHeldBytes;
    this.#onPending = options.onPending;
  }

  /** How many events were dropped, because NATS was away for too long. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Records something about a single work item; it is written with the turn's others. */
  work(session: string, type: WorkEventType, item: object): void {
    if (type !== "work.offered") this.#hurry();
    else this.#offers ??= setTimeout(() => this.#hurry(), OFFER_WAIT_MS);
    let types = this.#pending.get(session);
    if (types === undefined) this.#pending.set(session, types = new Map());
    const items = types.get(type);
    if (items === undefined) types.set(type, [JSON.stringify(item)]);
    else items.push(JSON.stringify(item));
  }

  /** Writes an event of its own. */
  event(session: string, type: string, payload: object): void {
    this.flush();
    const id = nuid.next();
    this.#append(session, id, formatMessage(id, type, { relay_id: this.#relayId, ...payload }));
  }

  /** Writes a message that is an event as it stands. */
  forward(session: string, text: string): void {
    this.flush();
    this.#append(session, nuid.next(), text);
  }

  /** Appends the turn's events about work to the writer, unless they are offers that may wait. */
  endTurn(): void {
    if (this.#urgent) this.flush();
  }

  /** Appends all events about work to the writer. Call it before results are: so they come in order. */
  flush(): void {
    clearTimeout(this.#offers);
    this.#offers = undefined;
    this.#urgent = false;
    if (this.#pending.size === 0) return;
    const pending = this.#pending;
    // Not cleared: that would leave the old map pointing to the new one, see TurnoverMap.
    this.#pending = new Map();
    for (const [session, types] of pending) {
      for (const [type, items] of types) {
        for (const list of chunks(items)) this.#list(session, type, list);
      }
    }
  }

  /** Writes nothing more by itself. */
  close(): void {
    clearTimeout(this.#offers);
  }

  #hurry(): void {
    if (this.#urgent) return;
    this.#urgent = true;
    this.#onPending();
  }

  #list(session: string, type: string, list: string): void {
    const id = nuid.next();
    const text =
      `{"id":"${id}","type":"${type}","payload":{"relay_id":"${this.#relayId}","work":[${list}]}}`;
    this.#append(session, id, text);
  }

  #append(session: string, id: string, text: string): void {
    if (this.#writer.heldBytes > this.#maxHeldBytes) this.#dropped++;
    else this.#writer.append({ subject: eventsSubject(session), data: text, id });
  }
}

function* chunks(items: readonly string[]): Generator<string> {
  let list = "";
  for (const item of items) {
    if (list.length + item.length > LIST_CHARACTERS && list !== "") {
      yield list;
      list = "";
    }
    list += list === "" ? item : `,${item}`;
  }
  if (list !== "") yield list;
}
