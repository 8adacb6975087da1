/**
 * Lines over the last minutes.
 *
 * @module
 */
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

/** One line. */
export interface Line {
  readonly label: string;
  /** The custom property that has its colour. */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

/** What a chart has. */
export interface ChartProps {
  readonly title: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** How values are written. */
  readonly format: (value: number) => string;
}

const HEIGHT = 150;

/** A chart, with its newest values in words above it. */
export function Chart({ title, times, lines, format }: ChartProps): VNode {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const names = lines.map(({ label }) => label).join();
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const made = new uPlot(options(lines, format, element.clientWidth), [[]], element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    // Its colours are fixed when it is drawn.
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => made.redraw();
    scheme.addEventListener("change", redraw);
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      observer.disconnect();
      scheme.removeEventListener("change", redraw);
      themes.disconnect();
      made.destroy();
    };
  }, [names]);
  useEffect(() => {
    plot.current?.setData([[...times], ...lines.map(({ values }) => [...values])]);
  }, [times, lines]);
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        <ul>
          {lines.map(({ label, color, values }) => {
            const newest = values.findLast((value) => value !== null);
            return (
              <li key={label}>
                <i style={{ background: `var(${color})` }} />
                {label} <b>{newest === undefined || newest === null ? "–" : format(newest)}</b>
              </li>
            );
          })}
        </ul>
      </figcaption>
      <div ref={host} class="plot" />
    </figure>
  );
}

function options(
  lines: readonly Line[],
  format: (value: number) => string,
  width: number,
): uPlot.Options {
  const axis = {
    stroke: () => property("--dim"),
    grid: { stroke: () => property("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui",
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { size: 5 }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => [0, Math.max(max, 1) * 1.1] } },
    axes: [
      { ...axis, size: 24, space: 90, values: (_, splits) => splits.map(timeOfDay) },
      { ...axis, size: 56, values: (_, splits) => splits.map((value) => format(value)) },
    ],
    series: [
      {},
      ...lines.map(({ label, color }) => ({
        label,
        stroke: () => property(color),
        width: 1.5,
        points: { show: true, size: 4, filter: lonely },
      })),
    ],
  };
}

/** Values without a neighbour, which no line would show. */
const lonely: uPlot.Series.Points.Filter = ({ data }, series) => {
  const values = data[series] ?? [];
  const isGap = (index: number) => (values[index] ?? null) === null;
  return [...values.keys()].filter((index) =>
    !isGap(index) && isGap(index - 1) && isGap(index + 1)
  );
};

function timeOfDay(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** A custom property's colour, as it is now: a canvas does not know of light and dark. */
function property(name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
