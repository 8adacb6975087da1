/**
 * Runs scenarios and keeps what was measured.
 *
 * @module
 */
import type { Flags } from "./flags.ts";
import { type Figures, measure, type Run } from "./measure.ts";
import { median } from "./percentiles.ts";
import type { Scenario } from "./scenarios.ts";

/** What one run of a scenario has shown: of each figure, the median of all rounds. */
export interface RunResult extends Run {
  readonly figures: Figures;
}

/** What a scenario has shown. */
export interface ScenarioResult {
  readonly name: string;
  readonly about: string;
  readonly runs: readonly RunResult[];
}

/** The runs of a scenario, as the command line wants them. */
export function runsOf(scenario: Scenario, flags: Flags): Run[] {
  const { load, contenders, full } = flags;
  return scenario.runs(full)
    .filter(({ contender }) => contenders?.includes(contender) ?? true)
    .map((run) => ({ ...run, load: { ...run.load, ...load } }));
}

/**
 * Measures a scenario: in each round every run, in turn.
 *
 * @param onRun Told before each.
 */
export async function measureScenario(
  scenario: Scenario,
  flags: Flags,
  onRun: (run: Run, round: number) => void,
): Promise<ScenarioResult> {
  const measured = runsOf(scenario, flags).map((run) => ({ run, rounds: [] as Figures[] }));
  for (let round = 1; round <= flags.rounds; round++) {
    for (const { run, rounds } of measured) {
      onRun(run, round);
      rounds.push(await measure(run));
    }
  }
  const runs = measured.map(({ run, rounds }) => ({ ...run, figures: medians(rounds) }));
  return { name: scenario.name, about: scenario.about, runs };
}

function medians(rounds: readonly Figures[]): Figures {
  const names = new Set(rounds.flatMap((figures) => Object.keys(figures) as (keyof Figures)[]));
  return Object.fromEntries([...names].map((name) => {
    const values = rounds.map((figures) => figures[name]).filter((value) => value !== undefined);
    // What must not happen at all is not hidden by rounds in which it did not.
    const worst = name === "lost" || name === "twice" || name === "connect_failures";
    return [name, worst ? Math.max(...values) : median(values)];
  }));
}
