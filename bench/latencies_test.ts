import assert from "node:assert/strict";
import { Latencies } from "./latencies.ts";

Deno.test("quantiles are those of the latencies, also after they were merged", () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 50; ms++) latencies.add(ms);
  const others = new Latencies();
  for (let ms = 51; ms <= 100; ms++) others.add(ms);
  latencies.merge(JSON.parse(JSON.stringify(others.entries())));
  assert.equal(latencies.total, 100);
  assert.deepEqual([0.5, 0.99, 1].map((share) => latencies.quantile(share)), [50, 99, 100]);
});

Deno.test("what is above ten seconds counts as ten, and nothing has no quantile", () => {
  const latencies = new Latencies();
  assert.equal(latencies.quantile(0.5), NaN);
  latencies.add(60_000);
  assert.equal(latencies.quantile(0.5), 10_000);
});
