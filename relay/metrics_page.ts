/**
 * `GET /metrics`: what Prometheus is told of a relay. Nothing is formatted before it asks.
 *
 * @module
 */
import { Counter, Gauge, histogramSamples, Registry } from "@ourocodus/edge";
import { VERSION } from "@ourocodus/protocol";
import { LATENCY_BUCKETS, type LatencyHistogram } from "./metrics.ts";
import type { Relay } from "./relay.ts";

const PREFIX = "ourocodus_relay_";

/** Writes the page. */
export class MetricsPage {
  readonly #relay: Relay;
  readonly #registry = new Registry();

  constructor(relay: Relay) {
    this.#relay = relay;
    this.#counters();
    this.#gauges();
  }

  /** The page, and its content type. */
  page(): { readonly text: string; readonly type: string } {
    const { queued, worked } = this.#relay.metrics;
    const text = this.#registry.metrics() +
      histogram("queued_seconds", "Time from storing work to handing it to an agent", queued) +
      histogram("worked_seconds", "Time from handing work out to its stored result", worked);
    return { text, type: this.#registry.contentType };
  }

  #counters(): void {
    const { metrics } = this.#relay;
    const counter = (name: string, help: string, value: () => number) =>
      new Counter({
        name: `${PREFIX}${name}`,
        help,
        registers: [this.#registry],
        value,
      });
    counter(
      "work_delivered_total",
      "Pieces of work handed to an agent for the first time",
      () => metrics.delivered,
    );
    counter(
      "work_redelivered_total",
      "Pieces of work handed to an agent again",
      () => metrics.redelivered,
    );
    counter(
      "work_returned_total",
      "Pieces of work given back to the queue",
      () => metrics.returned,
    );
    counter("work_dead_total", "Pieces of work given up on", () => metrics.dead);
    counter("results_total", "Results stored", () => metrics.results);
    counter(
      "result_characters_total",
      "Characters (UTF-16 units) of results stored",
      () => metrics.resultCharacters,
    );
    counter(
      "result_duplicates_total",
      "Results refused, as there was one",
      () => metrics.duplicates,
    );
    counter(
      "nats_reconnects_total",
      "Times that NATS was lost and came back",
      () => metrics.reconnects,
    );
    counter(
      "events_dropped_total",
      "Events dropped, as NATS was away for too long",
      () => this.#relay.droppedEvents,
    );
  }

  #gauges(): void {
    const relay = this.#relay;
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name: `${PREFIX}${name}`,
        help,
        registers: [this.#registry],
        value,
      });
    gauge("agents", "Connected agents", () => relay.health().agents);
    gauge(
      "agents_paused",
      "Agents that take no work for now: suspended, or at a limit of their provider",
      () => relay.pausedAgents,
    );
    gauge(
      "work_in_hand",
      "Pieces of work that the relay answers for",
      () => relay.health().in_hand,
    );
    gauge(
      "held_bytes",
      "Bytes of results and events that are not stored yet",
      () => relay.health().held_bytes,
    );
    gauge(
      "nats_connected",
      "Whether NATS is connected, 0 or 1",
      () => Number(relay.health().nats === "connected"),
    );
    gauge("resident_memory_bytes", "Resident memory of the process", () => Deno.memoryUsage().rss);
    new Gauge({
      name: `${PREFIX}build_info`,
      help: "Always 1; the version is a label",
      labelNames: ["version"],
      registers: [this.#registry],
    }).set(1, { version: VERSION });
  }
}

function histogram(name: string, help: string, { counts, sum }: LatencyHistogram): string {
  const full = `${PREFIX}${name}`;
  const samples = histogramSamples(full, { bounds: LATENCY_BUCKETS, counts, sum });
  return `\n# HELP ${full} ${help}\n# TYPE ${full} histogram\n${samples.join("")}`;
}
