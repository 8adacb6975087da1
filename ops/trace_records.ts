/**
 * What the log says of certain work items, collected while it is read.
 *
 * @module
 */
import type { LogRecord, StoredMessage } from "@ourocodus/bus";
import { isObject, type Message, parseMessage } from "@ourocodus/protocol";
import { Retries } from "./retries.ts";
import type { TraceStep } from "./work_trace_types.ts";

/** Which work is meant. */
export type WorkQuery = { readonly id: string } | { readonly workSequence: number };

/** A work item, and what is recorded of it. */
export interface TracedWork {
  /** Its sequence in the work stream. */
  readonly sequence: number;
  readonly session: string;
  readonly role: string;
  /** Its message's id, as far as it has one. */
  id: string | undefined;
  storedAt: Date | undefined;
  /** Its copy. */
  copy?: LogRecord;
  /** Its result or error result. */
  outcome?: LogRecord;
  deadLetter?: LogRecord;
  /** Where it was found in the queue already. */
  queued?: StoredMessage;
  /** What happened to it, in the order in which it was recorded. */
  readonly steps: TraceStep[];
}

/** How many reports of an agent are kept, the newest. */
const MAX_REPORTS = 1_000;

/** Collects the log's records of certain work items. */
export class TraceRecords {
  readonly #query: WorkQuery;
  readonly #only: { readonly session?: string; readonly role?: string };
  /** What a record's text holds if it is to be looked at; undefined: any may be meant. */
  readonly holding: readonly string[] | undefined;
  /** By sequence; the newest, where a stream was made anew. */
  readonly #works = new Map<number, TracedWork>();
  readonly #replaced: TracedWork[] = [];
  readonly #reports = new Map<TracedWork, number>();
  /** Which work was sent again. */
  readonly retries = new Retries();

  constructor(query: WorkQuery, only: { readonly session?: string; readonly role?: string }) {
    this.#query = query;
    this.#only = only;
    this.holding = "id" in query ? spellings(query.id) : undefined;
  }

  /** The work items of which something is recorded, the newest first. */
  newest(limit: number): TracedWork[] {
    const works = [...this.#works.values()].sort((one, other) => other.sequence - one.sequence);
    return [...works, ...this.#replaced.reverse()].slice(0, limit);
  }

  /** Looks at a record; to be called in the log's order. */
  look(record: LogRecord): void {
    const { role, session } = this.#only;
    if (session !== undefined && record.session !== session) return;
    if (role !== undefined && record.role !== undefined && record.role !== role) return;
    this.retries.look(record);
    if (!this.#mayMatch(record)) return;
    switch (record.kind) {
      case "stored":
        return this.#copy(record);
      case "results":
        return this.#outcome(record);
      case "dead":
        return this.#deadLetter(record);
      case "events":
        return this.#event(record);
    }
  }

  /** Parsing each text would take far longer than looking for what it must hold. */
  #mayMatch({ kind, text, work }: LogRecord): boolean {
    if ("id" in this.#query) return (this.holding ?? []).some((part) => text.includes(part));
    const { workSequence } = this.#query;
    return kind === "events"
      ? text.includes(String(workSequence))
      : work?.sequence === workSequence;
  }

  #isMeant(sequence: number, id: string | undefined): boolean {
    return "id" in this.#query ? id === this.#query.id : sequence === this.#query.workSequence;
  }

  #copy(record: LogRecord): void {
    const { work, role } = record;
    if (work === undefined || role === undefined) return;
    const parsed = parseMessage(record.text);
    const id = parsed.kind === "ok" ? parsed.message.id : parsed.id;
    if (!this.#isMeant(work.sequence, id)) return;
    const known = this.#works.get(work.sequence);
    if (known?.copy !== undefined) {
      // The same sequence again: the stream was made anew.
      this.#works.delete(work.sequence);
      this.#replaced.push(known);
    }
    const traced = this.#work(work.sequence, record.session, role);
    traced.copy = record;
    traced.id = id;
    traced.storedAt = work.storedAt;
  }

  #outcome(record: LogRecord): void {
    const traced = this.#ofRecord(record);
    // Another of the same sequence is of another stream's work: the first one counts.
    if (traced !== undefined) traced.outcome ??= record;
  }

  #deadLetter(record: LogRecord): void {
    const traced = this.#ofRecord(record);
    if (traced !== undefined) traced.deadLetter = record;
  }

  #ofRecord(record: LogRecord): TracedWork | undefined {
    const { work, role } = record;
    if (work === undefined || role === undefined) return undefined;
    const known = this.#works.get(work.sequence);
    const parsed = parseMessage(record.text);
    const id = parsed.kind === "ok" ? parsed.message.id : parsed.id;
    if (known === undefined && !this.#isMeant(work.sequence, id)) return undefined;
    if (known !== undefined && (known.session !== record.session || known.role !== role)) {
      return undefined;
    }
    const traced = known ?? this.#work(work.sequence, record.session, role);
    traced.id ??= id;
    traced.storedAt ??= work.storedAt;
    return traced;
  }

  #event(record: LogRecord): void {
    const parsed = parseMessage(record.text);
    if (parsed.kind === "invalid") return;
    const { message } = parsed;
    const { payload } = message;
    const own = (message as { readonly work?: unknown }).work;
    if (isObject(own)) this.#step(record, own, { type: message.type, payload });
    if (!Array.isArray(payload.work)) return;
    for (const item of payload.work) {
      if (isObject(item)) this.#step(record, item, stepOf(message));
    }
  }

  #step(
    record: LogRecord,
    item: Record<string, unknown>,
    step: Pick<TraceStep, "type" | "payload" | "relay_id">,
  ): void {
    const { seq, id, role } = item;
    if (typeof seq !== "number" || typeof role !== "string") return;
    if (!this.#isMeant(seq, text(id))) return;
    if (this.#only.role !== undefined && role !== this.#only.role) return;
    const traced = this.#work(seq, record.session, role);
    traced.id ??= text(id);
    if (isReport(step)) this.#makeRoom(traced);
    traced.steps.push({
      sequence: record.sequence,
      time: record.time.toISOString(),
      ...step,
      ...defined({
        attempt: typeof item.attempt === "number" ? item.attempt : undefined,
        agent_id: text(item.agent_id),
        reason: text(item.reason),
        error: text(item.error) ?? text(item.question) ?? answerText(item) ??
          awaitedText(item),
        charged: typeof item.charged === "boolean" ? item.charged : undefined,
        not_before: text(item.not_before),
      }),
    });
  }

  /** Of endless reports the oldest goes. */
  #makeRoom(traced: TracedWork): void {
    const count = (this.#reports.get(traced) ?? 0) + 1;
    this.#reports.set(traced, count);
    if (count > MAX_REPORTS) traced.steps.splice(traced.steps.findIndex(isReport), 1);
  }

  #work(sequence: number, session: string, role: string): TracedWork {
    let traced = this.#works.get(sequence);
    if (traced === undefined) {
      traced = { sequence, session, role, id: undefined, storedAt: undefined, steps: [] };
      this.#works.set(sequence, traced);
    }
    return traced;
  }
}

/**
 * What JSON has in it that has an id in it: the id as JSON.stringify writes it, or one of the escapes
 * with which others write characters that need none.
 */
function spellings(id: string): readonly string[] {
  const usual = JSON.stringify(id).slice(1, -1);
  return [usual, "\\u", ...(id.includes("/") ? ["\\/"] : [])];
}

/** Only what agents report has a payload. */
function isReport({ payload }: Pick<TraceStep, "payload">): boolean {
  return payload !== undefined;
}

function stepOf({ type, payload }: Message): Pick<TraceStep, "type" | "relay_id"> {
  return { type, ...defined({ relay_id: text(payload.relay_id) }) };
}

/** What was answered to a question, and by whom. */
function answerText({ answer, by }: Record<string, unknown>): string | undefined {
  return typeof answer === "string" ? `${answer}, by ${text(by) ?? "nobody"}` : undefined;
}

/** Which work of its conversation comes before it. */
function awaitedText({ waits_for, conversation }: Record<string, unknown>): string | undefined {
  if (typeof waits_for !== "number" || typeof conversation !== "string") return undefined;
  return `work ${waits_for} of conversation ${conversation}`;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function defined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]?: NonNullable<T[K]> };
}
