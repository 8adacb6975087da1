/**
 * Throughput and latency of the last minutes, from what the hub reads of the log.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import type { LogRecord } from "@ourocodus/bus";
import { LOG_HEADER } from "@ourocodus/protocol";
import type { StatsPointSchema, StatsSchema } from "./schemas/health.ts";

/** How long a span is, in milliseconds. */
export const SPAN_MS = 2_000;
const SPANS = 300;
/** Latencies are counted in buckets whose bounds grow by this factor, from 0.1 ms. */
const FACTOR = 1.25;
const FIRST_MS = 0.1;
const BUCKETS = 100;

interface Span {
  stored: number;
  done: number;
  failed: number;
  dead: number;
  cancelled: number;
  redelivered: number;
  pending: number | null;
  latencies: number;
  readonly histogram: Uint32Array;
}

type Report = z.infer<typeof StatsSchema>;

/** Counts. */
export class Stats {
  readonly #now: () => number;
  /** Number of the span since 1970 → the span. */
  readonly #spans = new Map<number, Span>();

  /** @param now The time, in milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Counts a record. */
  record(record: LogRecord): void {
    const number = Math.floor(record.time.getTime() / SPAN_MS);
    if (number <= this.#current() - SPANS) return;
    const span = this.#span(number);
    switch (record.kind) {
      case "stored":
        span.stored++;
        break;
      case "results":
        this.#outcome(span, record);
        break;
      case "events":
        // Its list is short where it matters; parsing each event would cost more than it tells.
        if (record.text.includes('"type":"work.redelivered"')) {
          span.redelivered += record.text.split('"seq":').length - 1;
        }
    }
  }

  /** Notes how much work has no outcome now. */
  pending(messages: number): void {
    this.#span(this.#current()).pending = messages;
  }

  /** All spans, oldest first, without holes. */
  report(): Report {
    const last = this.#current();
    this.#forgetUntil(last - SPANS);
    const points = Array.from(
      { length: SPANS },
      (_, index) => point(last - SPANS + 1 + index, this.#spans.get(last - SPANS + 1 + index)),
    );
    return { interval_seconds: SPAN_MS / 1_000, points };
  }

  #outcome(span: Span, record: LogRecord): void {
    const outcome = record.header(LOG_HEADER.outcome);
    if (outcome === "dead") span.dead++;
    else if (outcome === "failed") span.failed++;
    else if (outcome === "cancelled") span.cancelled++;
    else span.done++;
    // Of what nobody did it is not known how long it would have taken.
    if (record.work === undefined || outcome === "cancelled") return;
    const ms = record.time.getTime() - record.work.storedAt.getTime();
    const bucket = Math.ceil(Math.log(Math.max(ms, FIRST_MS) / FIRST_MS) / Math.log(FACTOR));
    const index = Math.min(bucket, BUCKETS - 1);
    span.histogram[index] = (span.histogram[index] ?? 0) + 1;
    span.latencies++;
  }

  #forgetUntil(number: number): void {
    for (const old of this.#spans.keys()) if (old <= number) this.#spans.delete(old);
  }

  #current(): number {
    return Math.floor(this.#now() / SPAN_MS);
  }

  #span(number: number): Span {
    let span = this.#spans.get(number);
    if (span === undefined) {
      // Nobody may ask for a report.
      if (this.#spans.size > SPANS) this.#forgetUntil(this.#current() - SPANS);
      const outcomes = { done: 0, failed: 0, dead: 0, cancelled: 0 };
      const none = { stored: 0, ...outcomes, redelivered: 0, latencies: 0, pending: null };
      span = { ...none, histogram: new Uint32Array(BUCKETS) };
      this.#spans.set(number, span);
    }
    return span;
  }
}

function point(number: number, span: Span | undefined): z.infer<typeof StatsPointSchema> {
  const time = new Date(number * SPAN_MS).toISOString();
  const { done = 0, failed = 0, dead = 0, cancelled = 0 } = span ?? {};
  const { stored = 0, redelivered = 0, pending = null } = span ?? {};
  const latency_p50_ms = span === undefined ? null : quantile(span, 0.5);
  const latency_p99_ms = span === undefined ? null : quantile(span, 0.99);
  const outcomes = { done, failed, dead, cancelled };
  return { time, stored, ...outcomes, redelivered, latency_p50_ms, latency_p99_ms, pending };
}

/** The upper bound of the bucket in which the quantile falls. */
function quantile({ histogram, latencies }: Span, share: number): number | null {
  if (latencies === 0) return null;
  let left = Math.ceil(latencies * share);
  const index = histogram.findIndex((count) => (left -= count) <= 0);
  return Number((FIRST_MS * FACTOR ** index).toPrecision(3));
}
