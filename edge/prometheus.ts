/**
 * Prometheus' text format (version 0.0.4), as far as relay and API need it.
 *
 * prom-client was used first; a package beneath it (bintrees) makes `deno compile` overflow its
 * stack, even where it is not imported.
 *
 * @module
 */

/** A metric's labels. */
export type Labels = Readonly<Record<string, string>>;

/** What a metric is made of. */
export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  /** Where it is told. */
  readonly registers: readonly Registry[];
  readonly labelNames?: readonly string[];
  /** Asked when it is told, for what is not counted as it happens; without labels. */
  readonly value?: () => number;
}

/** Metrics that are told together. */
export class Registry {
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  readonly #metrics: Metric[] = [];

  /** For metrics. */
  register(metric: Metric): void {
    this.#metrics.push(metric);
  }

  /** The page. */
  metrics(): string {
    return this.#metrics.map((metric) => metric.text()).join("\n");
  }
}

/** What counters, gauges and histograms have in common. */
abstract class Metric {
  protected readonly options: MetricOptions;
  readonly #type: string;

  constructor(type: string, options: MetricOptions) {
    this.#type = type;
    this.options = options;
    for (const registry of options.registers) registry.register(this);
  }

  /** All of it. */
  text(): string {
    const { name, help } = this.options;
    return `# HELP ${name} ${help}\n# TYPE ${name} ${this.#type}\n${this.samples(name).join("")}`;
  }

  protected abstract samples(name: string): string[];
}

/** A number for each set of labels. */
abstract class Values extends Metric {
  protected readonly values = new Map<string, number>();

  constructor(type: string, options: MetricOptions) {
    super(type, options);
    // Without labels there is one value, from the beginning.
    if (options.labelNames === undefined) this.values.set("", 0);
  }

  protected override samples(name: string): string[] {
    const { value } = this.options;
    if (value !== undefined) this.values.set("", value());
    return [...this.values].map(([labels, value]) => `${name}${labels} ${value}\n`);
  }
}

/** A number that only grows. */
export class Counter extends Values {
  constructor(options: MetricOptions) {
    super("counter", options);
  }

  /** Adds. */
  inc(labels: Labels = {}, value = 1): void {
    const key = labelText(labels);
    this.values.set(key, (this.values.get(key) ?? 0) + value);
  }
}

/** A number that goes up and down. */
export class Gauge extends Values {
  constructor(options: MetricOptions) {
    super("gauge", options);
  }

  /** Sets it. */
  set(value: number, labels: Labels = {}): void {
    this.values.set(labelText(labels), value);
  }

  /** What is not known is not told. */
  unset(): void {
    this.values.clear();
  }
}

/** Observations, by bucket. */
export class Histogram extends Metric {
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { readonly labels: Labels; counts: number[]; sum: number }>();

  /** @param options `buckets`: their upper bounds, ascending. */
  constructor(options: MetricOptions & { readonly buckets: readonly number[] }) {
    super("histogram", options);
    this.#bounds = options.buckets;
  }

  /** Counts an observation. */
  observe(value: number, labels: Labels = {}): void {
    const key = labelText(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels, counts: Array(this.#bounds.length + 1).fill(0), sum: 0 };
      this.#series.set(key, series);
    }
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const index = found < 0 ? this.#bounds.length : found;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.sum += value;
  }

  protected override samples(name: string): string[] {
    return [...this.#series.values()].flatMap(({ labels, counts, sum }) =>
      histogramSamples(name, { labels, bounds: this.#bounds, counts, sum })
    );
  }
}

/** The lines of one histogram, from counts by bucket; the last count is of what is above all bounds. */
export function histogramSamples(
  name: string,
  { labels = {}, bounds, counts, sum }: {
    readonly labels?: Labels;
    readonly bounds: readonly number[];
    readonly counts: ArrayLike<number>;
    readonly sum: number;
  },
): string[] {
  let total = 0;
  const buckets = [...bounds, "+Inf"].map((bound, index) => {
    total += counts[index] ?? 0;
    return `${name}_bucket${labelText({ ...labels, le: String(bound) })} ${total}\n`;
  });
  const key = labelText(labels);
  return [...buckets, `${name}_sum${key} ${sum}\n`, `${name}_count${key} ${total}\n`];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
