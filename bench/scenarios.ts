/**
 * What is measured by default. Every scenario has a size that a small machine finishes in about a
 * minute, and the full one, with `--full`.
 *
 * @module
 */
import type { Contender, Load } from "./load/plan.ts";
import type { Kind, Run } from "./measure.ts";

/** A scenario. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** @param full In full size. */
  readonly runs: (full: boolean) => readonly Run[];
}

const BASE: Load = {
  trips: 50_000,
  agents: 8,
  window: 256,
  size: 128,
  rate: 0,
  relays: 1,
  idle: 0,
  sessions: 1,
  concurrency: 256,
};
const ALL: readonly Contender[] = ["direct", "durable", "bare", "v1", "plain"];
const RELAY: readonly Contender[] = ["v1", "plain"];

/** One run for each contender. */
function each(
  contenders: readonly Contender[],
  load: Partial<Load>,
  label = "",
  kind: Kind = "trips",
): Run[] {
  return contenders.map((contender) => ({ label, contender, kind, load: { ...BASE, ...load } }));
}

/** All scenarios. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "saturation",
    about: "8 agents, 256 trips under way, as fast as they go",
    runs: (full) => each(ALL, { trips: full ? 200_000 : 50_000 }),
  },
  {
    name: "single",
    about: "1 agent, 1 trip under way: what one trip takes where nothing else goes on",
    runs: (full) => each(ALL, { trips: full ? 10_000 : 2_000, agents: 1, window: 1 }),
  },
  {
    name: "rates",
    about: "latency at fixed rates, counted from when a trip should have begun",
    runs: (full) =>
      [500, 1_000, 2_000, 5_000, 10_000, 15_000].flatMap((rate) =>
        each(ALL, { rate, trips: rate * (full ? 20 : 4) }, `${rate}/s`)
      ),
  },
  {
    name: "agents",
    about: "throughput against agents, 256 trips under way; 1,024 with 100",
    runs: (full) =>
      [1, 2, 8, 32, 100].flatMap((agents) =>
        each(["durable", "v1", "plain"], {
          agents,
          window: agents === 100 ? 1_024 : 256,
          trips: full ? 200_000 : 30_000,
        }, `${agents} agents`)
      ),
  },
  {
    name: "sizes",
    about: "payloads of 128 bytes to 900 KB",
    runs: (full) =>
      ([
        ["128 B", 128, 256, 30_000],
        ["4 KB", 4_096, 256, 20_000],
        ["64 KB", 65_536, 64, 3_000],
        ["900 KB", 921_600, 8, 200],
      ] as const).flatMap(([label, size, window, trips]) =>
        each(ALL, { size, window, trips: full ? trips * 5 : trips }, label)
      ),
  },
  {
    name: "relays",
    about: "1, 2 and 3 relays, with 4 agents each",
    runs: (full) =>
      [1, 2, 3].flatMap((relays) =>
        each(RELAY, {
          relays,
          agents: relays * 4,
          trips: full ? 200_000 : 40_000,
        }, `${relays} relays`)
      ),
  },
  {
    name: "idle",
    about: "100 busy agents at 2,000 trips a second, without and with idle agents next to them",
    runs: (full) =>
      [0, full ? 10_000 : 2_000].flatMap((idle) =>
        each(["v1"], {
          idle,
          agents: 100,
          rate: 2_000,
          trips: full ? 60_000 : 10_000,
        }, `${idle} idle`)
      ),
  },
  {
    name: "connect",
    about: "agents connecting all at once, each with a session and a role of its own",
    runs: (full) => {
      const agents = full ? 10_000 : 2_000;
      return each(RELAY, { agents, sessions: agents }, `${agents} agents`, "connect");
    },
  },
  {
    name: "sessions",
    about: "the same work in 10 sessions and in many, one role and one agent each",
    runs: (full) =>
      [10, full ? 10_000 : 1_000].flatMap((agents) =>
        each(["v1"], { agents, sessions: agents, trips: 50_000 }, `${agents} sessions`)
      ),
  },
  {
    name: "bulk",
    about: "work sent into a sleeping system, then drained by 8 agents",
    runs: (full) => each(["durable", "v1"], { trips: full ? 1_000_000 : 100_000 }, "", "bulk"),
  },
  {
    name: "memory",
    about: "whether memory grows with what was done",
    runs: (full) =>
      [50_000, full ? 1_000_000 : 250_000].flatMap((trips) =>
        each(["v1"], { trips }, `${trips} trips`)
      ),
  },
];

/** What is measured where flags name a load, but no scenario. */
export const CUSTOM: Scenario = {
  name: "custom",
  about: "the load of the command line",
  runs: () => each(ALL, {}),
};
