/**
 * What relays tell each other of leases, on `relays.leases`. They need no list of each other: a
 * relay that has nothing to object is silent, and one that is gone cannot object.
 *
 * | kind        | said by a relay that                    | answered by a relay that                      |
 * | ----------- | --------------------------------------- | --------------------------------------------- |
 * | `delivered` | got work as a second or later attempt   | still has that work: it keeps it              |
 * | `claim`     | has an agent that resumes leases        | has the work at another agent: it objects     |
 * | `returned`  | releases work, with the record of its attempts | – the next attempt may begin at once   |
 * | `answered`  | has stored a late result                | – the relay that has the work tells its agent |
 * | `list`      | has NATS back                           | has work: it names the sequences of all of it |
 *
 * @module
 */
import type { Msg, Subscription } from "@nats-io/nats-core";
import {
  type AttemptRecord,
  attemptRecord,
  type Lease,
  parseLease,
  parseObject,
  RELAYS_LEASES_SUBJECT,
} from "@ourocodus/protocol";
import { askMany } from "./ask_many.ts";
import { chunks } from "./chunks.ts";
import type { Connection } from "./connection.ts";

/** What a relay's owner of work is asked and told by other relays. */
export interface LeaseHolder {
  /** Another relay was delivered this work. @returns Whether it is here, and stays here. */
  keepsDelivered(lease: Lease): boolean;
  /**
   * An agent resumes this lease at another relay. What the same agent left here is let go of.
   *
   * @returns Whether another agent has the work here.
   */
  objectsTo(lease: Lease, agentId: string): boolean;
  /** Another relay has released this work. @param record Of its attempts; relays of before have none. */
  returned(lease: Lease, record: AttemptRecord | undefined): void;
  /** Another relay has stored a result of this work, which an agent here may have. */
  answered(lease: Lease): void;
  /** Sequences of all work that is here. */
  sequences(): number[];
}

/** Settings of a {@linkcode LeaseExchange}. */
export interface LeaseExchangeOptions {
  readonly relayId: string;
  readonly holder: LeaseHolder;
}

type Question =
  | { readonly kind: "delivered" | "answered"; readonly leases: readonly string[] }
  | {
    readonly kind: "returned";
    readonly leases: readonly string[];
    readonly record?: AttemptRecord;
  }
  | { readonly kind: "claim"; readonly leases: readonly string[]; readonly agent_id: string }
  | { readonly kind: "list" };

/** How many leases are taken from one question. */
const MAX_LEASES = 5_000;
/** The bytes of a message apart from its leases or identities, at most. */
const ENVELOPE_BYTES = 512;

/** One relay's end of it. */
export class LeaseExchange {
  readonly #connection: Connection;
  readonly #options: LeaseExchangeOptions;
  readonly #subscription: Subscription;
  readonly #closing = new AbortController();

  constructor(connection: Connection, options: LeaseExchangeOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#subscription = connection.subscribe(RELAYS_LEASES_SUBJECT, (error, message) => {
      if (!error) this.#asked(message);
    });
  }

  /**
   * Asks who still has work that was delivered here.
   *
   * @param waitMs How long to wait for an answer, in milliseconds; asked each time.
   * @returns The works' identities (`Lease.work`) that stay elsewhere; `undefined` if this was closed
   * meanwhile: then nothing is known.
   */
  async keptElsewhere(
    leases: readonly Lease[],
    waitMs: () => number,
  ): Promise<ReadonlySet<string> | undefined> {
    const question = { kind: "delivered", leases: textsOf(leases) } as const;
    return await this.#ask(() => question, waitMs, leases.length);
  }

  /**
   * Tells that an agent resumes leases here.
   *
   * @param leases Those that it resumes; asked each time, as the connection may be lost meanwhile.
   * @param waitMs How long to wait for objections, in milliseconds; asked each time.
   * @returns The identities of work that another agent has elsewhere; `undefined` as for
   * {@linkcode keptElsewhere}.
   */
  async objections(
    leases: () => readonly Lease[],
    agentId: string,
    waitMs: () => number,
  ): Promise<ReadonlySet<string> | undefined> {
    return await this.#ask(
      () => ({ kind: "claim", leases: textsOf(leases()), agent_id: agentId }),
      waitMs,
      Infinity,
    );
  }

  /** Tells that work is released; to be called before it is. @param record Of its attempts. */
  tellReturned(lease: Lease, record: AttemptRecord): void {
    const room = this.#connection.maxPayloadBytes - ENVELOPE_BYTES;
    const fits = JSON.stringify(record).length * 3 < room;
    // Without it, others read what is stored.
    this.#tell({ kind: "returned", leases: [lease.subject], ...(fits && { record }) });
  }

  /** Tells that a result of work is stored which another relay may have. */
  tellAnswered(lease: Lease): void {
    this.#tell({ kind: "answered", leases: [lease.subject] });
  }

  /** Asks for all work of other relays. @returns Its sequences, as far as they came in time. */
  async heldElsewhere(waitMs: number): Promise<ReadonlySet<number>> {
    const identities = await this.#ask(() => ({ kind: "list" }), () => waitMs, Infinity);
    return new Set(Array.from(identities ?? [], Number));
  }

  /** Answers no more, and waits for no answers. */
  close(): void {
    this.#closing.abort();
    this.#subscription.unsubscribe();
  }

  #tell(news: Question): void {
    if (!this.#connection.connected) return;
    this.#connection.nats.publish(RELAYS_LEASES_SUBJECT, JSON.stringify(this.#signed(news)));
  }

  /**
   * Asks, and asks again where the connection was lost meanwhile, and with it perhaps an answer.
   *
   * @param enough Ends the waiting when this many were named.
   */
  async #ask(
    question: () => Question,
    waitMs: () => number,
    enough: number,
  ): Promise<ReadonlySet<string> | undefined> {
    const { signal } = this.#closing;
    const named = new Set<string>();
    let epoch: number | undefined;
    while (epoch !== this.#connection.epoch) {
      await this.#connected();
      if (signal.aborted) return undefined;
      epoch = this.#connection.epoch;
      const lost = new AbortController();
      const unlisten = this.#connection.listen({ onLost: () => lost.abort() });
      const parts = this.#parts(question()).map((part) => this.#signed(part));
      await askMany(this.#connection, RELAYS_LEASES_SUBJECT, parts, {
        waitMs: waitMs(),
        signal: AbortSignal.any([signal, lost.signal]),
        onAnswer: (answer) => {
          for (const identity of parseAnswer(answer)) named.add(identity);
          return named.size >= enough;
        },
      }).finally(unlisten);
    }
    return signal.aborted ? undefined : named;
  }

  /** Waits until NATS is there, or this is closed. */
  async #connected(): Promise<void> {
    const { signal } = this.#closing;
    if (this.#connection.connected || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    const unlisten = this.#connection.listen({ onRestored: resolve });
    signal.addEventListener("abort", onAbort);
    await promise;
    signal.removeEventListener("abort", onAbort);
    unlisten();
  }

  /** A question as several, each of which fits the server's payload limit. */
  #parts(question: Question): Question[] {
    if (question.kind === "list") return [question];
    return this.#split(question.leases).map((leases) => ({ ...question, leases }));
  }

  /** @param texts ASCII, without anything to escape in JSON. */
  #split(texts: readonly string[]): string[][] {
    return chunks(texts, {
      limit: this.#connection.maxPayloadBytes - ENVELOPE_BYTES,
      sizeOf: (text) => text.length + '"",'.length,
      maxItems: MAX_LEASES,
    });
  }

  #signed(question: Question): object {
    return { relay_id: this.#options.relayId, ...question };
  }

  #asked(message: Msg): void {
    const { holder, relayId } = this.#options;
    const question = parseQuestion(message, relayId);
    switch (question?.kind) {
      case "delivered": {
        const kept = leasesOf(question.leases).filter((lease) => holder.keepsDelivered(lease));
        return this.#answer(message, kept.map(({ work }) => work));
      }
      case "claim": {
        const { agent_id, leases } = question;
        const others = leasesOf(leases).filter((lease) => holder.objectsTo(lease, agent_id));
        return this.#answer(message, others.map(({ work }) => work));
      }
      case "returned":
        return leasesOf(question.leases)
          .forEach((lease) => holder.returned(lease, question.record));
      case "answered":
        return leasesOf(question.leases).forEach((lease) => holder.answered(lease));
      case "list":
        return this.#answer(message, holder.sequences().map(String));
    }
  }

  #answer(message: Msg, identities: readonly string[]): void {
    for (const work of this.#split(identities)) {
      message.respond(JSON.stringify({ relay_id: this.#options.relayId, work }));
    }
  }
}

function textsOf(leases: readonly Lease[]): string[] {
  return leases.map(({ subject }) => subject);
}

function leasesOf(texts: readonly string[]): Lease[] {
  return texts.flatMap((text) => parseLease(text) ?? []);
}

/** Anybody may publish there: what is no question of another relay is passed over. */
function parseQuestion(message: Msg, ownId: string): Question | undefined {
  const value = parseObject(message.string());
  if (value === undefined || typeof value.relay_id !== "string" || value.relay_id === ownId) {
    return undefined;
  }
  const { kind, agent_id, record } = value;
  if (kind === "list") return { kind };
  const leases = strings(value.leases);
  if (leases === undefined) return undefined;
  if (kind === "claim") {
    return typeof agent_id === "string" ? { kind, leases, agent_id } : undefined;
  }
  if (kind === "returned") {
    return { kind, leases, record: attemptRecord(record) };
  }
  return kind === "delivered" || kind === "answered" ? { kind, leases } : undefined;
}

function parseAnswer(message: Msg): readonly string[] {
  return strings(parseObject(message.string())?.work, Infinity) ?? [];
}

function strings(value: unknown, limit = MAX_LEASES): string[] | undefined {
  if (!Array.isArray(value) || value.length > limit) return undefined;
  return value.every((item) => typeof item === "string") ? value : undefined;
}
