/**
 * What came of many runs of chaos: a row of the table in tests/FAULTS.md.
 *
 * @module
 */
import type { Balance } from "../support/mod.ts";
import type { ChaosOutcome } from "./run.ts";

/** Runs that differ by their seed alone. */
export interface ChaosRuns {
  /** How many nats-servers each had. */
  readonly servers: number;
  /** The version of nats-server. */
  readonly nats: string;
  /** How long things were broken in each. */
  readonly durationMs: number;
  /** What came of each, by its seed. */
  readonly outcomes: ReadonlyMap<number, Pick<ChaosOutcome, "steps" | "balance" | "balanced">>;
}

const INTRODUCTION = `## Chaos

The same faults mixed by chance under load, at three relays and twelve agents, on one nats-server and
on three that keep each stream on all of them. Then everything is made whole again, the queue runs
empty, and the books are closed. \`deno task chaos --seeds 20 --minutes 0.5 --table\` writes the first
row anew, with \`--servers 3\` the second. The same seed breaks the same things at the same times.
`;

const HEAD = [
  ...["nats-servers", "seeds", "seconds each", "faults", "work items", "answered", "dead"],
  ...["cancelled", "vanished", "twice", "other than it should be"],
];

/** The row of many runs. */
export function chaosRow({ servers, nats, durationMs, outcomes }: ChaosRuns): string {
  const all = [...outcomes.values()];
  const sum = (count: (balance: Balance) => number) =>
    all.reduce((total, { balance }) => total + count(balance), 0);
  const wrong = [...outcomes].filter(([, { balanced }]) => !balanced).map(([seed]) => seed);
  return row([
    `${servers}, version ${nats}`,
    seedsOf([...outcomes.keys()]),
    String(durationMs / 1_000),
    String(all.reduce((total, { steps }) => total + steps.length, 0)),
    String(sum(({ acknowledged }) => acknowledged)),
    String(sum(({ answered }) => answered)),
    String(sum(({ dead }) => dead)),
    String(sum(({ cancelled }) => cancelled)),
    String(sum(({ vanished }) => vanished.length)),
    String(sum(({ twice }) => twice.length)),
    wrong.length === 0 ? "nothing" : `seeds ${wrong.join(", ")}`,
  ]);
}

/** The text of tests/FAULTS.md with this row in place of the one with as many nats-servers. */
export function withChaosRow(text: string, chaosRow: string): string {
  const [faults, chaos] = splitChaos(text);
  const rows = new Map<number, string>();
  for (const line of [...chaos.split("\n"), chaosRow]) {
    const servers = Number(/^\| *(\d+), version/.exec(line)?.[1]);
    if (servers > 0) rows.set(servers, line);
  }
  const sorted = [...rows].sort(([a], [b]) => a - b).map(([, line]) => line);
  const table = [row(HEAD), row(HEAD.map(() => "---")), ...sorted].join("\n");
  return `${faults.trimEnd()}\n\n${INTRODUCTION}\n${table}\n`;
}

/** The text of tests/FAULTS.md before the section of chaos, and that section. */
export function splitChaos(text: string): [faults: string, chaos: string] {
  const at = text.indexOf("## Chaos\n");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function seedsOf(seeds: readonly number[]): string {
  const [first, last] = [Math.min(...seeds), Math.max(...seeds)];
  return first === last ? String(first) : `${first} to ${last}`;
}
