import assert from "node:assert/strict";
import { type Chart, svgChart } from "./svg_chart.ts";

const CHART: Chart = {
  title: "a < b & c",
  xLabel: "x",
  yLabel: "y",
  series: [{ name: "one", points: [[1, 10], [2, 20]] }, { name: "two", points: [[1, 5], [2, 40]] }],
};

/** The points of each line. */
function lines(svg: string): number[][][] {
  return [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points = ""]) =>
    points.split(" ").map((point) => point.split(",").map(Number))
  );
}

Deno.test("every series is a line, and text cannot end an element", () => {
  const svg = svgChart(CHART);
  assert.match(svg, /<title>a &lt; b &amp; c<\/title>/);
  assert.equal(lines(svg).length, 2);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
});

Deno.test("what is more stands higher, what is equal as high", () => {
  const [[first, second] = [], [third, fourth] = []] = lines(svgChart(CHART));
  assert((second?.[1] ?? 0) < (first?.[1] ?? 0));
  assert((fourth?.[1] ?? 0) < (second?.[1] ?? 0));
  assert.equal(first?.[0], third?.[0]);
});

Deno.test("on a logarithmic axis equal ratios are equal distances", () => {
  const series = [{ name: "one", points: [[10, 1], [100, 10], [1_000, 100]] as const }];
  const [[a, b, c] = []] = lines(svgChart({ ...CHART, series, logX: true, logY: true }));
  for (const at of [0, 1]) {
    const [first = 0, second = 0, third = 0] = [a?.[at], b?.[at], c?.[at]];
    assert(Math.abs((second - first) - (third - second)) < 0.2, `${first}, ${second}, ${third}`);
  }
});

Deno.test("a single point, also at zero, is drawn inside the picture", () => {
  for (const point of [[0, 0], [3, 7]] as const) {
    const [[only] = []] = lines(svgChart({ ...CHART, series: [{ name: "one", points: [point] }] }));
    for (const place of only ?? []) assert(place >= 0 && place <= 720, String(place));
  }
});
