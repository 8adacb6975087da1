/**
 * Measures one contender under one load.
 *
 * @module
 */
import { bytesBelow } from "./disk.ts";
import type { ConnectReport } from "./load/agents.ts";
import type { ClientReport } from "./load/client.ts";
import type { Contender, Load } from "./load/plan.ts";
import { costOf, type ProcessCost } from "./process_cost.ts";
import { System } from "./system.ts";

/** What is done. */
export type Kind =
  /** Round trips, after a few to warm up. */
  | "trips"
  /** All work is sent first, while no agent is there; then it is answered. */
  | "bulk"
  /** Agents connect, all at once, and nothing else. */
  | "connect";

/** One measurement to make. */
export interface Run {
  /** What tells it from the scenario's others, apart from its contender. */
  readonly label: string;
  readonly contender: Contender;
  readonly kind: Kind;
  readonly load: Load;
}

/** What was measured. Undefined is what this run, or this system, has not. */
export interface Figures {
  readonly trips?: number;
  readonly lost?: number;
  readonly twice?: number;
  readonly trips_per_second?: number;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
  readonly p999_ms?: number;
  /** The relays' processor time, for one trip. */
  readonly relay_us?: number;
  /** nats-server's. */
  readonly nats_us?: number;
  /** Of one core, that the client's process was busy. */
  readonly client_busy?: number;
  /** And the busiest that answers work: agents, or workers. */
  readonly agents_busy?: number;
  /** All relays' memory in the end, and the most that it ever was. */
  readonly relay_bytes?: number;
  readonly relay_peak_bytes?: number;
  readonly nats_bytes?: number;
  readonly disk_bytes?: number;
  /** `bulk`: work stored a second, each confirmed. */
  readonly stored_per_second?: number;
  /** What idle agents, or all that connected, took together, and each of the relays' memory. */
  readonly connect_seconds?: number;
  readonly connect_failures?: number;
  readonly bytes_per_agent?: number;
}

const LIMIT_MS = 300_000;
/**
 * Trips for each relay before those that are measured, if these are twice as many at least: until
 * then V8 compiles, 0.7 s of processor time a relay, which would count as the trips'. Streams and
 * consumers are there then, too.
 */
const WARM_TRIPS = 30_000;
/** After connecting, until memory says what an agent takes. */
const SETTLE_MS = 10_000;

/** Measures. Starts a system of its own, and ends it. */
export async function measure({ contender, kind, load }: Run): Promise<Figures> {
  await using system = await System.start(contender, load);
  switch (kind) {
    case "trips":
      return await trips(system, load);
    case "bulk":
      return await bulk(system, load);
    case "connect":
      return await connect(system, () => system.connectBusy());
  }
}

async function trips(system: System, load: Load): Promise<Figures> {
  const connected = load.idle > 0 ? await connect(system, () => system.connectIdle()) : {};
  await system.startAnswering();
  const warm = load.rate > 0
    ? load.rate
    : Math.min(WARM_TRIPS * load.relays, Math.ceil(load.trips / 2));
  await system.ask({ kind: "run", trips: warm, limitMs: LIMIT_MS });
  return { ...connected, ...await costs(system, load, "run") };
}

async function bulk(system: System, load: Load): Promise<Figures> {
  const stored = await system.ask({ kind: "store", trips: load.trips, limitMs: LIMIT_MS });
  await system.startAnswering();
  const drained = await costs(system, load, "drain");
  // From sending to answering is how long the others took; it says nothing.
  const { p50_ms: _p50, p99_ms: _p99, p999_ms: _p999, ...figures } = drained;
  return { ...figures, stored_per_second: load.trips / stored.seconds };
}

async function connect(
  system: System,
  connectAll: () => Promise<ConnectReport>,
): Promise<Figures> {
  const relays = system.relays.map(({ process }) => process.pid);
  const before = costOf(relays);
  const { connected, failed, seconds } = await connectAll();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const after = costOf(relays);
  return {
    connect_seconds: seconds,
    connect_failures: failed,
    relay_bytes: after?.residentBytes,
    relay_peak_bytes: after?.peakBytes,
    ...(before && after &&
      { bytes_per_agent: (after.residentBytes - before.residentBytes) / connected }),
  };
}

async function costs(system: System, load: Load, kind: "run" | "drain"): Promise<Figures> {
  const pids = {
    relays: system.relays.map(({ process }) => process.pid),
    nats: [system.nats.pid],
    client: [system.client],
  };
  const look = () => ({
    relays: costOf(pids.relays),
    nats: costOf(pids.nats),
    client: costOf(pids.client),
    agents: system.answering.map((pid) => costOf([pid])),
  });
  const before = look();
  const report = await system.ask({ kind, trips: load.trips, limitMs: LIMIT_MS });
  const after = look();
  const perTrip = (name: "relays" | "nats") => used(before[name], after[name], report.done);
  const busy = (from: ProcessCost | undefined, to: ProcessCost | undefined) =>
    used(from, to, report.seconds * 1e6);
  const agents = after.agents.map((cost, index) => busy(before.agents[index], cost) ?? 0);
  return {
    ...speed(report),
    relay_us: perTrip("relays"),
    nats_us: perTrip("nats"),
    client_busy: busy(before.client, after.client),
    agents_busy: before.client && Math.max(...agents),
    relay_bytes: after.relays?.residentBytes,
    relay_peak_bytes: after.relays?.peakBytes,
    nats_bytes: after.nats?.residentBytes,
    disk_bytes: bytesBelow(system.nats.storeDir),
  };
}

/** Processor time between two looks, divided. */
function used(
  from: ProcessCost | undefined,
  to: ProcessCost | undefined,
  by: number,
): number | undefined {
  return from && to && (to.cpuMs - from.cpuMs) * 1_000 / by;
}

function speed({ done, lost, twice, seconds, latency }: ClientReport): Figures {
  return {
    trips: done,
    lost,
    twice,
    trips_per_second: done / seconds,
    p50_ms: latency.p50,
    p99_ms: latency.p99,
    p999_ms: latency.p999,
  };
}
