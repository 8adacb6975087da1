import assert from "node:assert/strict";
import { parseFlags } from "./flags.ts";
import { runsOf } from "./results.ts";
import { SCENARIOS } from "./scenarios.ts";

function flags(...args: string[]) {
  const parsed = parseFlags(args);
  assert(parsed.kind === "ok", JSON.stringify(parsed));
  return parsed.flags;
}

Deno.test("without flags, every scenario is measured once", () => {
  const { scenarios, rounds } = flags();
  assert.deepEqual(scenarios, SCENARIOS);
  assert.equal(rounds, 1);
});

Deno.test("a load without a scenario is measured as it is", () => {
  const { scenarios } = flags("--trips", "10", "--agents", "3");
  assert.deepEqual(scenarios.map(({ name }) => name), ["custom"]);
});

Deno.test("a load and contenders replace those of the scenarios that are named", () => {
  const asked = flags("--scenario", "rates", "--trips", "7", "--contender", "plain");
  const runs = asked.scenarios.flatMap((scenario) => runsOf(scenario, asked));
  assert(runs.length > 1);
  for (const { load, contender } of runs) {
    assert.equal(load.trips, 7);
    assert.equal(contender, "plain");
    assert(load.rate > 0);
  }
});

Deno.test("every scenario is larger with --full, or as large", () => {
  for (const scenario of SCENARIOS) {
    const [quick, full] = [scenario.runs(false), scenario.runs(true)];
    assert.equal(quick.length, full.length);
    quick.forEach((run, index) => assert(run.load.trips <= (full[index]?.load.trips ?? 0)));
  }
});

Deno.test("what cannot be measured is refused, with the value and what is allowed", () => {
  for (
    const [args, reason] of [
      [["--trips", "0"], /--trips is "0", allowed are whole numbers from 1 to/],
      [["--rate", "many"], /--rate is "many"/],
      [["--size", "1.5"], /--size is "1.5"/],
      [
        ["--contender", "rust"],
        /--contender is "rust", allowed are direct, durable, bare, v1, plain/,
      ],
      [["--speed"], /--speed/],
      [["more"], /more/],
    ] as const
  ) {
    const parsed = parseFlags(args);
    assert.equal(parsed.kind, "invalid");
    assert.match((parsed as { reason: string }).reason, reason);
  }
});
