import assert from "node:assert/strict";
import { type ProcessOutput, ROOT, runProcess, testBinary } from "../tests/support/mod.ts";
import type { RunResult, ScenarioResult } from "./results.ts";

async function bench(...args: string[]): Promise<ProcessOutput> {
  const env = { NATS_SERVER: (await testBinary()).path };
  const script = ["run", "-q", "-A", `${ROOT}/bench/main.ts`];
  return await runProcess(Deno.execPath(), [...script, ...args], { env, timeoutMs: 120_000 });
}

async function measured(...args: string[]): Promise<ScenarioResult[]> {
  const { code, stdout, stderr } = await bench("--json", ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).scenarios;
}

function assertPositive(run: RunResult, names: readonly (keyof RunResult["figures"])[]): void {
  for (const name of names) {
    const value = run.figures[name];
    assert(value !== undefined && value > 0, `${run.contender}: ${name} is ${value}`);
  }
}

const onLinux = Deno.build.os === "linux";

Deno.test("each contender makes every round trip, once, and is measured", async () => {
  const [custom] = await measured("--trips", "60", "--agents", "2", "--window", "4");
  assert.deepEqual(custom?.runs.map(({ contender }) => contender), [
    "direct",
    "durable",
    "bare",
    "v1",
    "plain",
  ]);
  for (const run of custom.runs) {
    assert.equal(run.figures.trips, 60);
    assert.equal(run.figures.lost, 0);
    assert.equal(run.figures.twice, 0);
    assertPositive(run, ["trips_per_second", "p50_ms", "p99_ms", "p999_ms"]);
    if (run.contender !== "direct") assertPositive(run, ["disk_bytes"]);
    if (onLinux && run.load.relays > 0) assertPositive(run, ["nats_bytes"]);
    if (onLinux && /bare|v1|plain/.test(run.contender)) assertPositive(run, ["relay_bytes"]);
  }
});

Deno.test("trips begin at the rate that was asked for", async () => {
  const load = ["--rate", "200", "--trips", "100", "--contender", "v1", "--relays", "2"];
  const [custom] = await measured(...load);
  const [run] = custom?.runs ?? [];
  assert.equal(run?.figures.trips, 100);
  // The last of 100 begins 99 intervals after the first.
  assert((run.figures.trips_per_second ?? Infinity) <= 200 * 100 / 99);
  assertPositive(run, ["p50_ms"]);
});

Deno.test("work sent into a sleeping system is drained, and agents connect all at once", async () => {
  const small = ["--trips", "50", "--agents", "3"];
  const [bulk, connect] = await measured("--scenario", "bulk", "--scenario", "connect", ...small);
  assert.deepEqual(bulk?.runs.map(({ contender }) => contender), ["durable", "v1"]);
  for (const drained of bulk.runs) {
    assert.equal(drained.figures.trips, 50);
    assertPositive(drained, ["stored_per_second", "trips_per_second"]);
  }
  const [connected] = connect?.runs ?? [];
  assert.equal(connected?.figures.connect_failures, 0);
  assertPositive(connected, ["connect_seconds"]);
});

Deno.test("a report has tables, figures and pictures", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const only = ["--scenario", "agents", "--scenario", "relays", "--contender", "v1"];
    const { code, stdout, stderr } = await bench(...only, "--trips", "20", "--report", folder);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /trips\/s.*\n100 agents +v1/s);
    assert.match(await Deno.readTextFile(`${folder}/tables.md`), /^\| 3 relays \| v1 \|/m);
    const { machine, scenarios } = JSON.parse(await Deno.readTextFile(`${folder}/results.json`));
    assert(machine.cores > 0);
    assert.equal(scenarios.length, 2);
    for (const file of ["throughput_agents.svg", "throughput_relays.svg"]) {
      assert.match(await Deno.readTextFile(`${folder}/${file}`), /<polyline points="\d[^"]* \d/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a wrong command line ends with 2 and says what is allowed", async () => {
  const { code, stderr } = await bench("--scenario", "nonsense");
  assert.equal(code, 2);
  assert.match(stderr, /--scenario is "nonsense", allowed are saturation, /);
});
