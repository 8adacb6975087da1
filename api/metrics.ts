/**
 * What Prometheus is told of the API. What is counted elsewhere is asked for when it is scraped.
 *
 * @module
 */
import { Counter, Gauge, Histogram, Registry } from "@ourocodus/edge";
import { VERSION } from "@ourocodus/protocol";

/** What is asked for at each scrape. */
export interface MetricsSource {
  /** Clients of the event stream, and what they were sent. */
  events(): { readonly clients: number; readonly sent: number; readonly cut: number };
  connected(): boolean;
  /** Requests that wait for a result. */
  waits(): number;
  /** What is in streams and relays; undefined if they cannot be asked. */
  system(): Promise<SystemNumbers | undefined>;
}

/** What is in streams and relays. */
export interface SystemNumbers {
  readonly streams: Readonly<Record<"work" | "log", StreamSize>>;
  readonly relays: number;
  readonly agents: number;
  readonly running: number;
}

interface StreamSize {
  readonly messages: number;
  readonly bytes: number;
}

/** A request that was answered. */
export interface AnsweredRequest {
  readonly method: string;
  /** The path's pattern, of which there are few, not the path. */
  readonly route: string;
  readonly status: number;
  /** Until the head of its answer. */
  readonly seconds: number;
}

const PREFIX = "ourocodus_api_";
const DURATION_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300];
/** Others may be anything, and each would be a series of its own. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** The API's metrics. */
export class ApiMetrics {
  readonly #registry = new Registry();
  readonly #source: MetricsSource;
  readonly #requests: Counter;
  readonly #durations: Histogram;
  readonly #sent: Counter;
  readonly #duplicates: Counter;
  readonly #cancelled: Counter;
  readonly #reconnects: Counter;
  readonly #system: SystemGauges;

  constructor(source: MetricsSource) {
    this.#source = source;
    this.#requests = new Counter({
      ...this.#named("http_requests_total", "Requests answered, by method, route and status"),
      labelNames: ["method", "route", "status"],
    });
    this.#durations = new Histogram({
      ...this.#named("http_request_duration_seconds", "Time until the head of the answer"),
      labelNames: ["method", "route"],
      buckets: DURATION_BUCKETS,
    });
    this.#sent = new Counter(this.#named("work_sent_total", "Work items that were stored"));
    this.#duplicates = new Counter(this.#named(
      "work_duplicates_total",
      "Work items that were stored before, under the same id or key",
    ));
    this.#cancelled = new Counter({
      ...this.#named("work_cancelled_total", "Work items cancelled, by where they were"),
      labelNames: ["was"],
    });
    this.#reconnects = new Counter(this.#named(
      "nats_reconnects_total",
      "Times that NATS was lost and came back",
    ));
    this.#system = this.#systemGauges();
    this.#collected();
  }

  /** A request was answered. */
  answered({ method, route, status, seconds }: AnsweredRequest): void {
    const known = METHODS.includes(method) ? method : "other";
    this.#requests.inc({ method: known, route, status: String(status) });
    this.#durations.observe(seconds, { method: known, route });
  }

  /** Work was sent. */
  sent(duplicate: boolean): void {
    (duplicate ? this.#duplicates : this.#sent).inc();
  }

  /** Work was cancelled. @param was Where it was. */
  cancelled(was: "waiting" | "in_hand"): void {
    this.#cancelled.inc({ was });
  }

  /** The connection to NATS is back. */
  reconnected(): void {
    this.#reconnects.inc();
  }

  /** The page for Prometheus, and its content type. */
  async page(): Promise<{ readonly text: string; readonly type: string }> {
    this.#system.set(await this.#source.system());
    return { text: this.#registry.metrics(), type: this.#registry.contentType };
  }

  #named(name: string, help: string): { name: string; help: string; registers: [Registry] } {
    return { name: `${PREFIX}${name}`, help, registers: [this.#registry] };
  }

  #collected(): void {
    const source = this.#source;
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        ...this.#named(name, help),
        value,
      });
    const total = (name: string, help: string, value: () => number) =>
      new Counter({
        ...this.#named(name, help),
        value,
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
    const rss = () => Deno.memoryUsage().rss;
    gauge("resident_memory_bytes", "Resident memory of the process", rss);
    const info = this.#named("build_info", "Always 1; the version is a label");
    new Gauge({ ...info, labelNames: ["version"] }).set(1, { version: VERSION });
  }

  #systemGauges(): SystemGauges {
    const plain = (name: string, help: string) => new Gauge(this.#named(name, help));
    const byStream = (name: string, help: string) =>
      new Gauge({ ...this.#named(name, help), labelNames: ["stream"] });
    return new SystemGauges({
      messages: byStream("stream_messages", "Messages in a stream"),
      bytes: byStream("stream_bytes", "Bytes in a stream"),
      relays: plain("relays", "Relays that answer"),
      agents: plain("agents", "Connected agents"),
      running: plain("work_in_hand", "Work items that run at agents"),
      waiting: plain("work_waiting", "Work items that wait for an agent"),
    });
  }
}

type GaugesByName = Readonly<
  Record<"messages" | "bytes" | "relays" | "agents" | "running" | "waiting", Gauge>
>;

/** Gauges that are set together, or not at all. */
class SystemGauges {
  readonly #gauges: GaugesByName;

  constructor(gauges: GaugesByName) {
    this.#gauges = gauges;
  }

  set(numbers: SystemNumbers | undefined): void {
    // What is not known is not told, rather than what was known once.
    for (const gauge of Object.values(this.#gauges)) gauge.unset();
    if (numbers === undefined) return;
    const { messages, bytes, relays, agents, running, waiting } = this.#gauges;
    for (const [stream, size] of Object.entries(numbers.streams)) {
      messages.set(size.messages, { stream });
      bytes.set(size.bytes, { stream });
    }
    relays.set(numbers.relays);
    agents.set(numbers.agents);
    running.set(numbers.running);
    waiting.set(Math.max(0, numbers.streams.work.messages - numbers.running));
  }
}
