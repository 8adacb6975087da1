/**
 * The command line of `deno task bench`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Contender, Load } from "./load/plan.ts";
import { CUSTOM, type Scenario, SCENARIOS } from "./scenarios.ts";

/** What the command line asks for. */
export interface Flags {
  readonly scenarios: readonly Scenario[];
  readonly full: boolean;
  /** So many measurements of each, in turn; of each figure, the median is shown. */
  readonly rounds: number;
  /** Replaces what scenarios say. */
  readonly load: Partial<Load>;
  /** Only these. */
  readonly contenders: readonly Contender[] | undefined;
  readonly json: boolean;
  /** A folder to write tables and pictures to. */
  readonly report: string | undefined;
}

/** What the command line is, or why it is none. */
export type ParsedFlags =
  | { readonly kind: "ok"; readonly flags: Flags }
  | { readonly kind: "help" }
  | { readonly kind: "invalid"; readonly reason: string };

/** Least and most of each number of a load. */
const LIMITS: Readonly<Record<keyof Load, readonly [number, number]>> = {
  trips: [1, 100_000_000],
  agents: [1, 50_000],
  window: [1, 1_000_000],
  size: [0, 1_000_000],
  rate: [0, 1_000_000],
  relays: [1, 64],
  idle: [0, 50_000],
  sessions: [1, 50_000],
  concurrency: [1, 1_024],
};
const LOAD_NAMES = Object.keys(LIMITS) as (keyof Load)[];
const CONTENDERS: readonly Contender[] = ["direct", "durable", "bare", "v1", "plain"];

/** How to use it. */
export const HELP =
  `Measures a relay: starts nats-server, relays and load in processes of their own.

Usage: deno task bench [--scenario NAME …] [--full] [--rounds N] [--json] [--report FOLDER]
                       [--trips N --agents A --window W --size B --rate R --relays K …]

Scenarios; without any, and without a load, all of them:
${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join("\n")}

"deno task bench:events" measures clients of the API's event stream.

  --full           in full size: 10,000 agents, a million work items; takes an hour
  --rounds N       measures everything N times, in turn, and shows medians; 1
  --contender C    only these: ${CONTENDERS.join(", ")}; may be repeated
  --json           prints JSON and nothing else
  --report FOLDER  also writes tables.md, results.json and pictures there

A load, instead of a scenario's, or for it:
  --trips N        round trips: work published to result received; 50000
  --agents A       agents, each with a role of its own; 8
  --window W       trips under way at once; 256
  --size B         characters of text in each payload; 128
  --rate R         trips begun a second, come what may; 0: as fast as they go
  --relays K       relays; 1
  --idle I         connected agents besides, that get no work; 0
  --sessions S     sessions that agents are spread over; 1
  --concurrency C  work items that an agent takes at once; 256`;

/** Parses the command line. */
export function parseFlags(args: readonly string[]): ParsedFlags {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        full: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        report: { type: "string" },
        rounds: { type: "string", default: "1" },
        scenario: { type: "string", multiple: true },
        contender: { type: "string", multiple: true },
        ...Object.fromEntries(LOAD_NAMES.map((name) => [name, { type: "string" as const }])),
      },
    });
    if (values.help) return { kind: "help" };
    const load = parseLoad(values);
    return {
      kind: "ok",
      flags: {
        load,
        scenarios: scenariosOf(values.scenario, load),
        contenders: values.contender?.map((name) => known("contender", name, CONTENDERS)),
        full: values.full,
        json: values.json,
        report: values.report,
        rounds: wholeNumber("rounds", values.rounds, 1, 1_000),
      },
    };
  } catch (error) {
    // Thrown by us, or by parseArgs for what it does not know.
    return { kind: "invalid", reason: (error as Error).message };
  }
}

function parseLoad(values: Readonly<Record<string, unknown>>): Partial<Load> {
  const given = LOAD_NAMES.flatMap((name) => {
    const text = values[name];
    const [min, max] = LIMITS[name];
    return typeof text === "string" ? [[name, wholeNumber(name, text, min, max)]] : [];
  });
  return Object.fromEntries(given);
}

function scenariosOf(names: readonly string[] | undefined, load: Partial<Load>): Scenario[] {
  if (names === undefined) return Object.keys(load).length > 0 ? [CUSTOM] : [...SCENARIOS];
  return names.map((name) => {
    known("scenario", name, SCENARIOS.map((scenario) => scenario.name));
    return SCENARIOS.find((scenario) => scenario.name === name) ?? CUSTOM;
  });
}

function known<T extends string>(flag: string, name: string, names: readonly T[]): T {
  const found = names.find((known) => known === name);
  if (found !== undefined) return found;
  throw new Error(`--${flag} is "${name}", allowed are ${names.join(", ")}`);
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`--${flag} is "${text}", allowed are whole numbers from ${min} to ${max}`);
}
