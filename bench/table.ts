/**
 * What was measured, as text: columns for the terminal, Markdown for a report.
 *
 * @module
 */
import type { Figures } from "./measure.ts";
import type { ScenarioResult } from "./results.ts";

interface Column {
  readonly title: string;
  readonly show: (value: number) => string;
  readonly name: keyof Figures;
}

const MB = 1_048_576;
const whole = (value: number) => Math.round(value).toLocaleString("en");
const fraction = (value: number) => value.toFixed(value < 10 ? 2 : 1);
const megabytes = (value: number) => whole(value / MB);
const percent = (value: number) => `${Math.round(value * 100)} %`;

const COLUMNS: readonly Column[] = [
  { name: "stored_per_second", title: "stored/s", show: whole },
  { name: "connect_seconds", title: "connect s", show: fraction },
  { name: "connect_failures", title: "failed", show: whole },
  { name: "bytes_per_agent", title: "KB/agent", show: (value) => fraction(value / 1_024) },
  { name: "trips_per_second", title: "trips/s", show: whole },
  { name: "p50_ms", title: "p50 ms", show: fraction },
  { name: "p99_ms", title: "p99 ms", show: fraction },
  { name: "p999_ms", title: "p99.9 ms", show: fraction },
  { name: "relay_us", title: "relay µs", show: fraction },
  { name: "nats_us", title: "nats µs", show: fraction },
  { name: "relay_bytes", title: "relay MB", show: megabytes },
  { name: "relay_peak_bytes", title: "peak MB", show: megabytes },
  { name: "nats_bytes", title: "nats MB", show: megabytes },
  { name: "disk_bytes", title: "disk MB", show: megabytes },
  { name: "lost", title: "lost", show: whole },
  { name: "twice", title: "twice", show: whole },
  { name: "client_busy", title: "client", show: percent },
  { name: "agents_busy", title: "agents", show: percent },
];

/** What the columns mean. */
export const LEGEND =
  `direct: agents on NATS itself, nothing stored. durable: workers on JetStream, no relay.
bare: a relay that moves messages and promises nothing. v1, plain: agents on the relay, by protocol.
relay µs, nats µs: processor time for one trip. client, agents: how busy the load's busiest
processes were, of one core. At 90 % the load itself may be what is measured.`;

/** Rows of cells; the first one has the titles. Columns that no run has are left out. */
function cells({ runs }: ScenarioResult): string[][] {
  const columns = COLUMNS.filter(({ name }) => runs.some((run) => run.figures[name] !== undefined));
  const labelled = runs.some(({ label }) => label !== "");
  const rows = runs.map((run) => [
    ...(labelled ? [run.label] : []),
    run.contender,
    ...columns.map(({ name, show }) => {
      const value = run.figures[name];
      return value === undefined ? "–" : show(value);
    }),
  ]);
  return [[...(labelled ? [""] : []), "", ...columns.map(({ title }) => title)], ...rows];
}

/** A scenario's table for the terminal. */
export function textTable(result: ScenarioResult): string {
  const rows = cells(result);
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0))
  );
  const isText = (at: number) => rows[0]?.[at] === "";
  const line = (row: string[]) =>
    row.map((cell, at) =>
      isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)
    )
      .join("  ");
  return `${result.name}: ${result.about}\n${rows.map(line).join("\n")}\n`;
}

/** A scenario's table in Markdown. */
export function markdownTable(result: ScenarioResult): string {
  const [titles = [], ...rows] = cells(result);
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  const rule = titles.map((title) => title === "" ? "---" : "---:");
  const table = [titles, rule, ...rows].map(line).join("\n");
  return `### ${result.name}\n\n${result.about}\n\n${table}\n`;
}
