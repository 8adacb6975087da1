/**
 * What clients of the event stream cost: `deno task bench:events --help`.
 *
 * nats-server, the API and the clients are processes of their own. One client is measured, then all
 * of them: the difference is what the others cost. Linux only.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type Connection, ensureStreams } from "@ourocodus/bus";
import { LOG_STREAM } from "@ourocodus/protocol";
import { type ApiProcess, startApi, startNats } from "../tests/support/mod.ts";
import { EventClients, type EventPhase } from "./event_run.ts";
import { machineLine, thisMachine } from "./machine.ts";
import { processCost } from "./process_cost.ts";

const HELP = `What clients of the event stream cost

--clients 1000      how many
--processes 2       in so many processes
--rates 10,50,100   events a second, one after the other
--seconds 10        how long each takes
--bytes 256         length of an event's text
`;

/** Before anything counts: JavaScript is compiled, and memory is what it will be. */
const WARM_UP = { clients: 50, rate: 200, seconds: 5 };
const IDLE_MS = 5_000;

const COLUMNS =
  `| events/s | delivered | missing | out of order | p50 ms | p99 ms | API µs an event | API µs a delivery | times one client's | API % of a core | nats-server µs an event | clients % of a core | API memory |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |`;

/** What an API costs that has nothing to do. */
interface Idle {
  readonly residentBytes: number;
  /** CPU time in a second, in milliseconds. */
  readonly cpuMs: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      clients: { type: "string", default: "1000" },
      processes: { type: "string", default: "2" },
      rates: { type: "string", default: "10,50,100" },
      seconds: { type: "string", default: "10" },
      bytes: { type: "string", default: "256" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const [clients, processes, seconds, bytes] = [
    ...[values.clients, values.processes, values.seconds, values.bytes].map(Number),
  ] as [number, number, number, number];
  const rates = values.rates.split(",").map(Number);

  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  console.log(machineLine(thisMachine(nats.version)));
  const costOfOne = new Map<number, number>();
  for (const count of new Set([1, clients])) {
    await using api = await startApi({ natsUrl: nats.url });
    const system = { nats, connection, api };
    {
      await using few = await EventClients.start(system, WARM_UP.clients);
      await few.measure("warm-up", { ...WARM_UP, bytes });
    }
    const before = await idle(api);
    await using all = await EventClients.start(system, count, processes);
    const after = await idle(api);
    printIdle(count, before, after);
    console.log(`consumers of the log: ${await logConsumers(connection)}\n\n${COLUMNS}`);
    for (const rate of rates) {
      const phase = await all.measure(`${rate} per second`, { rate, seconds, bytes });
      printPhase(count, phase, costOfOne.get(rate));
      if (count === 1) costOfOne.set(rate, phase.apiCpuMs / phase.published);
      if (phase.received !== count * phase.published || phase.outOfOrder > 0) Deno.exitCode = 1;
    }
    console.log();
  }
}

async function idle({ process: { pid } }: ApiProcess): Promise<Idle> {
  const before = processCost(pid);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const { cpuMs, residentBytes } = processCost(pid);
  return { residentBytes, cpuMs: (cpuMs - before.cpuMs) * 1_000 / IDLE_MS };
}

async function logConsumers({ nats }: Connection): Promise<number> {
  const { state } = await (await jetstreamManager(nats)).streams.info(LOG_STREAM);
  return state.consumer_count;
}

function printIdle(clients: number, before: Idle, after: Idle): void {
  const grown = (after.residentBytes - before.residentBytes) / clients / 1_024;
  console.log(`clients: ${clients}
memory of the API without them ${mib(before.residentBytes)}, with them ${
    mib(after.residentBytes)
  }: ${grown.toFixed(1)} KiB each
CPU of the API while nothing happens: ${before.cpuMs.toFixed(0)} ms a second without them, ${
    after.cpuMs.toFixed(0)
  } with them`);
}

function printPhase(clients: number, phase: EventPhase, ofOne: number | undefined): void {
  const { published, received, latencies, apiCpuMs, natsCpuMs, clientCpuMs, wallMs } = phase;
  const perEvent = apiCpuMs / published;
  const cells = [
    phase.rate,
    received,
    clients * published - received,
    phase.outOfOrder,
    latencies.quantile(0.5).toFixed(1),
    latencies.quantile(0.99).toFixed(1),
    (perEvent * 1_000).toFixed(0),
    (apiCpuMs / received * 1_000).toFixed(1),
    ofOne ? (perEvent / ofOne).toFixed(1) : "–",
    (apiCpuMs / wallMs * 100).toFixed(0),
    (natsCpuMs / published * 1_000).toFixed(0),
    (clientCpuMs / wallMs * 100).toFixed(0),
    mib(phase.residentBytes),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

if (import.meta.main) await main();
