import assert from "node:assert/strict";
import type { Balance } from "../support/mod.ts";
import { chaosRow, splitChaos, withChaosRow } from "./summary.ts";

const BALANCE: Balance = {
  ...{ acknowledged: 10, answered: 7, dead: 2, cancelled: 1, waiting: 0 },
  ...{
    lingering: [],
    vanished: [],
    twice: [],
    unburied: [],
    undercharged: [],
    contradicted: [],
    unknown: [],
  },
};
const GONE = { session: "s", role: "r", id: "w", sequence: 1 };

function runs(servers: number, second: Balance = BALANCE) {
  const outcomes = new Map([BALANCE, second].map((balance, index) => {
    const balanced = balance.vanished.length === 0;
    return [index + 1, { steps: [], balance, balanced }];
  }));
  return chaosRow({ servers, nats: "2.14.5", durationMs: 30_000, outcomes });
}

Deno.test("a row adds up all seeds, and names those whose books do not balance", () => {
  assert.equal(
    runs(1),
    "| 1, version 2.14.5 | 1 to 2 | 30 | 0 | 20 | 14 | 4 | 2 | 0 | 0 | nothing |",
  );
  assert.match(runs(3, { ...BALANCE, vanished: [GONE] }), /\| 1 \| 0 \| seeds 2 \|$/);
});

Deno.test("a row takes the place of the one with as many nats-servers, and leaves the others", () => {
  const before = withChaosRow("# Faults\n\n| a |\n", runs(3));
  const both = withChaosRow(before, runs(1));
  assert.deepEqual(both.match(/^\| \d, .*$/mg)?.map((line) => line.slice(0, 3)), ["| 1", "| 3"]);
  assert.equal(withChaosRow(both, runs(1)), both);
  const [faults, chaos] = splitChaos(both);
  assert.equal(faults, "# Faults\n\n| a |\n\n");
  assert.match(chaos, /^## Chaos\n/);
});
