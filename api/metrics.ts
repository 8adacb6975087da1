/**
 * What Prometheus is told of the API. What is counted elsewhere is asked for when it is scraped.
 *
 * @module
 */
import { VERSION } from "@ourocodus/bus";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What is asked for at each scrape. */
export interface MetricsSource {
  /** Clients of the event stream, and what they were sent. */
  events(): { readonly clients: number; readonly sent: number; readonly cut: number };
  connected(): boolean;
  waits(): number;
  /** What is in the streams; undefined if they cannot be asked. */
  streams(): Promise<StreamsSample | undefined>;
}

/** What is in the streams. */
export interface StreamsSample {
  readonly work: { readonly messages: number; readonly bytes: number };
  readonly log: { readonly messages: number; readonly bytes: number };
  readonly relays: number;
  readonly agents: number;
  readonly inHand: number;
}

const PREFIX = "ourocodus_api_";
const DURATION_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300];

/** The API's metrics. */
export class ApiMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #durations: Histogram<"route">;
  readonly #sent: Counter;
  readonly #duplicates: Counter;
  readonly #reconnects: Counter;

  constructor(source: MetricsSource) {
    const registers = [this.#registry];
    const counter = (name: string, help: string) =>
      new Counter({ name: `${PREFIX}${name}`, help, registers });
    this.#requests = new Counter({
      name: `${PREFIX}http_requests_total`,
      help: "Requests answered, by method, route and status",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: `${PREFIX}http_request_duration_seconds`,
      help: "Time from a request to the head of its answer",
      labelNames: ["route"],
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.#sent = counter("work_sent_total", "Pieces of work that were stored");
    this.#duplicates = counter(
      "work_duplicates_total",
      "Pieces of work that were stored before, under the same id or key",
    );
    this.#reconnects = counter("nats_reconnects_total", "Times that NATS was lost and came back");
    this.#collected(source);
  }

  /** A request was answered. @param route The route's pattern, not the path. */
  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.inc({ method, route, status: String(status) });
    this.#durations.observe({ route }, seconds);
  }

  /** Work was sent. */
  sent(duplicate: boolean): void {
    (duplicate ? this.#duplicates : this.#sent).inc();
  }

  /** The connection to NATS is back. */
  reconnected(): void {
    this.#reconnects.inc();
  }

  /** The page for Prometheus, and its content type. */
  async page(): Promise<{ readonly text: string; readonly type: string }> {
    return { text: await this.#registry.metrics(), type: this.#registry.contentType };
  }

  #collected(source: MetricsSource): void {
    const registers = [this.#registry];
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name: `${PREFIX}${name}`,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    const total = (name: string, help: string, value: () => number) =>
      new Counter({
        name: `${PREFIX}${name}`,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(value());
        },
      });
    gauge("event_clients", "Clients of the event stream", () => source.events().clients);
    total("events_sent_total", "Events handed over, to all clients", () => source.events().sent);
    total(
      "event_clients_cut_total",
      "Clients of the event stream that were cut because they read too slowly",
      () => source.events().cut,
    );
    gauge("result_waits", "Requests that wait for a result", () => source.waits());
    gauge("nats_connected", "Whether NATS is connected, 0 or 1", () => Number(source.connected()));
    gauge(
      "resident_memory_bytes",
      "Resident memory of the process",
      () => Deno.memoryUsage().rss,
    );
    new Gauge({
      name: `${PREFIX}build_info`,
      help: "Always 1; the version is a label",
      labelNames: ["version"],
      registers,
    }).set({ version: VERSION }, 1);
    this.#streams(source);
  }

  #streams(source: MetricsSource): void {
    const byStream = (name: string, help: string) =>
      new Gauge({ name, help, labelNames: ["stream"], registers: [this.#registry] });
    const plain = (name: string, help: string, collect?: () => Promise<void>) =>
      new Gauge({ name, help, registers: [this.#registry], ...(collect && { collect }) });
    const messages = byStream("ourocodus_stream_messages", "Messages in a stream");
    const bytes = byStream("ourocodus_stream_bytes", "Bytes in a stream");
    const agents = plain("ourocodus_agents", "Connected agents");
    const inHand = plain("ourocodus_work_in_hand", "Pieces of work in agents' hands");
    const gauges: Gauge<string>[] = [messages, bytes, agents, inHand];
    const fill = async () => {
      const sample = await source.streams();
      for (const gauge of gauges) gauge.reset();
      if (sample === undefined) return;
      messages.set({ stream: "work" }, sample.work.messages);
      messages.set({ stream: "log" }, sample.log.messages);
      bytes.set({ stream: "work" }, sample.work.bytes);
      bytes.set({ stream: "log" }, sample.log.bytes);
      agents.set(sample.agents);
      inHand.set(sample.inHand);
      gauges.at(-1)?.set(sample.relays);
    };
    // One question for all of these: all are collected before any is written.
    gauges.push(plain("ourocodus_relays", "Relays that answer", fill));
  }
}
