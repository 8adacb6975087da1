/**
 * The pictures of a report.
 *
 * @module
 */
import type { Figures } from "./measure.ts";
import type { RunResult, ScenarioResult } from "./results.ts";
import { type Chart, type Series, svgChart } from "./svg_chart.ts";

/** A picture: its file's name and its text. */
export interface Picture {
  readonly file: string;
  readonly svg: string;
}

interface Plot extends Omit<Chart, "series"> {
  readonly scenario: string;
  readonly file: string;
  readonly x: (run: RunResult) => number;
  readonly y: keyof Figures;
}

const PLOTS: readonly Plot[] = [
  {
    scenario: "rates",
    file: "latency_p50.svg",
    title: "Median latency against rate",
    xLabel: "trips a second",
    yLabel: "p50, ms",
    logX: true,
    logY: true,
    x: ({ load }) => load.rate,
    y: "p50_ms",
  },
  {
    scenario: "rates",
    file: "latency_p99.svg",
    title: "Latency of the slowest hundredth against rate",
    xLabel: "trips a second",
    yLabel: "p99, ms",
    logX: true,
    logY: true,
    x: ({ load }) => load.rate,
    y: "p99_ms",
  },
  {
    scenario: "agents",
    file: "throughput_agents.svg",
    title: "Throughput against agents",
    xLabel: "agents",
    yLabel: "trips a second",
    logX: true,
    x: ({ load }) => load.agents,
    y: "trips_per_second",
  },
  {
    scenario: "relays",
    file: "throughput_relays.svg",
    title: "Throughput against relays, 4 agents each",
    xLabel: "relays",
    yLabel: "trips a second",
    x: ({ load }) => load.relays,
    y: "trips_per_second",
  },
];

/** Pictures of those scenarios that have one. */
export function picturesOf(results: readonly ScenarioResult[]): Picture[] {
  return PLOTS.flatMap(({ scenario, file, x, y, ...chart }) => {
    const runs = results.find(({ name }) => name === scenario)?.runs ?? [];
    const series = seriesOf(runs, x, y);
    return series.length === 0 ? [] : [{ file, svg: svgChart({ ...chart, series }) }];
  });
}

function seriesOf(runs: readonly RunResult[], x: Plot["x"], y: Plot["y"]): Series[] {
  return Object.entries(Object.groupBy(runs, ({ contender }) => contender))
    .map(([name, runs]) => ({
      name,
      points: runs.flatMap((run) => {
        const value = run.figures[y];
        return value === undefined ? [] : [[x(run), value] as const];
      }),
    }))
    .filter(({ points }) => points.length > 0);
}
