import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface ChaosFlags {
  readonly minutes: number;
  readonly seed: number;
  readonly relays: number;
  /** How many nats-servers: more than one are a cluster, whose streams are on all of them. */
  readonly servers: number;
  /** How many runs, with this seed and those after it. */
  readonly seeds: number;
  /** Whether to write what came of it into the table of tests/FAULTS.md. */
  readonly table: boolean;
  /** Whether to print the schedule, and break nothing. */
  readonly plan: boolean;
  readonly help: boolean;
}

/** A flag cannot be used; the message says which, its value, and what is allowed. */
export class FlagError extends Error {
  override readonly name = "FlagError";
}

/** What `--help` prints. */
export const HELP = `Mixes faults under load, and then checks the books: every acknowledged work
item has exactly one result or dead letter, none twice, none vanished.

Usage: deno task chaos [options]

  --minutes N   how long to break things, 0.05 to 1440, also 0.5 (default: 1)
  --seed S      0 to 4294967295 (default: by chance); the same seed breaks the
                same things at the same times
  --seeds N     how many runs, 1 to 1000, each of that length, with seeds from S
                on (default: 1)
  --relays N    how many relays, 1 to 9 (default: 3)
  --servers N   how many nats-servers, 1 to 5 (default: 1); several are a
                cluster that keeps each stream on all of them
  --table       write what came of all runs into tests/FAULTS.md
  --plan        print what would be broken when, and break nothing
  -h, --help

What is broken: relays (kill -9, SIGTERM, SIGSTOP, cut off from NATS or from
their agents), agents (kill -9, SIGTERM, SIGSTOP, their id taken by another),
nats-server (restart, kill -9; in a cluster any of them). What is sent
meanwhile: quick, slow, failing and poisonous work, work that is cancelled or
released, and ids that come twice.
SIGINT ends the breaking; the books are checked anyway.

Exit codes: 0 balanced, 1 not balanced, 2 a flag cannot be used.`;

const MAX_SEED = 2 ** 32 - 1;

/**
 * Reads the flags.
 *
 * @param random From 0 to 1, without 1: makes the seed where none is given.
 * @throws {FlagError} If one is unknown, or has a value that cannot be used.
 */
export function parseFlags(args: readonly string[], random: number = Math.random()): ChaosFlags {
  const values = parsed(args);
  const seed = Math.floor(random * (MAX_SEED + 1));
  return {
    minutes: number("--minutes", values.minutes, { fallback: 1, min: 0.05, max: 1_440 }),
    seed: number("--seed", values.seed, { fallback: seed, min: 0, max: MAX_SEED, whole: true }),
    relays: number("--relays", values.relays, { fallback: 3, min: 1, max: 9, whole: true }),
    servers: number("--servers", values.servers, { fallback: 1, min: 1, max: 5, whole: true }),
    seeds: number("--seeds", values.seeds, { fallback: 1, min: 1, max: 1_000, whole: true }),
    plan: values.plan ?? false,
    table: values.table ?? false,
    help: values.help ?? false,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string" },
        seed: { type: "string" },
        relays: { type: "string" },
        servers: { type: "string" },
        seeds: { type: "string" },
        table: { type: "boolean" },
        plan: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new FlagError(`${(error as Error).message.split(". ")[0]}, see --help`, { cause: error });
  }
}

interface Limits {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
}

function number(flag: string, text: string | undefined, limits: Limits): number {
  const { fallback, min, max, whole = false } = limits;
  if (text === undefined) return fallback;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  const kind = whole ? "a whole number" : "a number";
  throw new FlagError(
    `${flag} is ${JSON.stringify(text)}, allowed is ${kind} from ${min} to ${max}`,
  );
}
