/**
 * A line chart as SVG.
 *
 * @module
 */

/** A line. */
export interface Series {
  readonly name: string;
  /** `[x, y]`, by ascending x. */
  readonly points: readonly (readonly [number, number])[];
}

/** What a chart shows. */
export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Whether an axis is logarithmic: then all its values are above 0. */
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 420;
const MARGIN = { top: 48, right: 150, bottom: 56, left: 76 };
/** Told apart also by who does not see colours: Okabe and Ito's, and a dash each. */
const STYLES = [
  { colour: "#0072b2", dash: "" },
  { colour: "#d55e00", dash: "7 3" },
  { colour: "#009e73", dash: "2 3" },
  { colour: "#555555", dash: "10 3 2 3" },
  { colour: "#cc79a7", dash: "4 2" },
] as const;
const TICKS = 5;

interface Axis {
  readonly ticks: readonly number[];
  /** From a value to a share of the axis, 0 to 1. */
  readonly share: (value: number) => number;
}

/** Draws a chart. @returns The text of an SVG file. */
export function svgChart(chart: Chart): string {
  const points = chart.series.flatMap((series) => series.points);
  const x = axis(points.map(([x]) => x), chart.logX ?? false);
  const y = axis(points.map(([, y]) => y), chart.logY ?? false);
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const left = (value: number) => round(MARGIN.left + x.share(value) * (right - MARGIN.left));
  const top = (value: number) => round(bottom - y.share(value) * (bottom - MARGIN.top));
  const middleX = (MARGIN.left + right) / 2;
  const middleY = (MARGIN.top + bottom) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="#222" role="img">`,
    `<title>${escaped(chart.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${MARGIN.left}" y="26" font-size="16">${escaped(chart.title)}</text>`,
    ...x.ticks.flatMap((tick) => [
      `<path d="M${left(tick)} ${MARGIN.top}V${bottom}" stroke="#eee"/>`,
      `<text x="${left(tick)}" y="${bottom + 20}" text-anchor="middle">${shown(tick)}</text>`,
    ]),
    ...y.ticks.flatMap((tick) => [
      `<path d="M${MARGIN.left} ${top(tick)}H${right}" stroke="#ddd"/>`,
      `<text x="${MARGIN.left - 8}" y="${top(tick) + 4}" text-anchor="end">${shown(tick)}</text>`,
    ]),
    `<text x="${middleX}" y="${HEIGHT - 12}" text-anchor="middle">${escaped(chart.xLabel)}</text>`,
    `<text transform="translate(18 ${middleY}) rotate(-90)" text-anchor="middle">${
      escaped(chart.yLabel)
    }</text>`,
    ...chart.series.flatMap((series, index) => {
      const { colour, dash } = STYLES[index % STYLES.length] ?? STYLES[0];
      const line = series.points.map(([x, y]) => `${left(x)},${top(y)}`).join(" ");
      const legend = MARGIN.top + 10 + index * 22;
      return [
        `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`,
        ...series.points.map(([x, y]) =>
          `<circle cx="${left(x)}" cy="${top(y)}" r="3" fill="${colour}"/>`
        ),
        `<path d="M${
          right + 12
        } ${legend}h28" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`,
        `<text x="${right + 46}" y="${legend + 4}">${escaped(series.name)}</text>`,
      ];
    }),
    "</svg>\n",
  ].join("\n");
}

function axis(values: readonly number[], log: boolean): Axis {
  const least = Math.min(...values);
  const most = Math.max(...values);
  return log ? logAxis(least, most) : linearAxis(most);
}

/** From 0 to a round number. */
function linearAxis(most: number): Axis {
  const raw = (most || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
  const count = Math.max(1, Math.ceil(most / step));
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step);
  return { ticks, share: (value) => value / (count * step) };
}

/** From and to one of 1, 2 and 5 times a power of ten. */
function logAxis(least: number, most: number): Axis {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
    for (const factor of [1, 2, 5]) all.push(factor * 10 ** power);
  }
  const first = Math.max(0, all.findLastIndex((tick) => tick <= least));
  const last = Math.max(first + 1, all.findIndex((tick) => tick >= most));
  const ticks = all.slice(first, last + 1);
  const from = Math.log(all[first] ?? 1);
  const to = Math.log(all[last] ?? 10);
  return { ticks, share: (value) => (Math.log(value) - from) / (to - from) };
}

function shown(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString("en");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
