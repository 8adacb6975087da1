/**
 * What the model gateway adds to a request and to each piece of a stream: `deno task bench:gateway`.
 *
 * A provider, the gateway and the client are processes of their own on loopback. `bare` is a proxy on
 * the same server and the same client that looks at nothing, the least that a proxy can cost here.
 * `budget` is a gateway with a budget: each request is on disk before it is sent.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { GatewayPlan } from "./load/gateway_host.ts";
import { LoadProcess } from "./load_process.ts";
import { machineLine, thisMachine } from "./machine.ts";
import { latency, median } from "./percentiles.ts";
import { processCost } from "./process_cost.ts";

const HELP = `What the model gateway adds

--requests 300     requests of one piece, after one another; their first byte is waited for
--pieces 20000     of each stream
--streams 5        of which the median is shown
`;

/** What is asked. */
interface Way {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** Whose CPU is looked at. */
  readonly pid: number;
}

interface Figures {
  readonly firstMs: { readonly p50: number; readonly p99: number };
  /** Of a whole stream, for each piece. */
  readonly pieceUs: number;
  /** CPU time of the process in between, for each piece. */
  readonly cpuUs: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: "string", default: "300" },
      pieces: { type: "string", default: "20000" },
      streams: { type: "string", default: "5" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const [requests, pieces, streams] = [values.requests, values.pieces, values.streams].map(Number);
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const provider = stack.use(new LoadProcess("stream_provider", {}));
  const { url } = await provider.heard<{ url: string }>();
  const ways: Way[] = [{ name: "direct", url, token: "key", pid: provider.pid }];
  for (const kind of ["bare", "gateway", "budget"] as const) {
    const plan: GatewayPlan = { kind, providerUrl: url, ledger: `${folder}/${kind}.db` };
    const host = stack.use(new LoadProcess("gateway_host", plan));
    const told = await host.heard<{ url: string; token: string }>();
    ways.push({ name: kind, ...told, pid: host.pid });
  }
  console.log(machineLine(thisMachine("none")));
  console.log("\n| way | first byte p50 ms | p99 ms | µs a piece | CPU µs a piece |");
  console.log("| --- | ---: | ---: | ---: | ---: |");
  // Each way's turns are between the others': the machine may be busier at times.
  const found = await measure(ways, { requests, pieces, streams });
  for (const [{ name }, { firstMs, pieceUs, cpuUs }] of found) {
    const cells = [firstMs.p50.toFixed(2), firstMs.p99.toFixed(2), pieceUs.toFixed(1)];
    console.log(`| ${[name, ...cells, name === "direct" ? "–" : cpuUs.toFixed(1)].join(" | ")} |`);
  }
}

async function measure(
  ways: readonly Way[],
  { requests = 0, pieces = 0, streams = 0 }: Record<
    "requests" | "pieces" | "streams",
    number | undefined
  >,
): Promise<Map<Way, Figures>> {
  const firsts = new Map(ways.map((way) => [way, [] as number[]]));
  const totals = new Map(ways.map((way) => [way, [] as number[]]));
  const cpus = new Map(ways.map((way) => [way, 0]));
  for (const way of ways) for (let n = 0; n < 20; n++) await ask(way, 100);
  for (let n = 0; n < requests; n++) {
    for (const way of ways) firsts.get(way)?.push((await ask(way, 1)).firstMs);
  }
  for (let n = 0; n < streams; n++) {
    for (const way of ways) {
      const before = processCost(way.pid).cpuMs;
      totals.get(way)?.push((await ask(way, pieces)).totalMs);
      cpus.set(way, (cpus.get(way) ?? 0) + processCost(way.pid).cpuMs - before);
    }
  }
  return new Map(ways.map((way) => [way, {
    firstMs: latency(Float64Array.from(firsts.get(way) ?? [])),
    pieceUs: (median(totals.get(way) ?? []) ?? NaN) * 1_000 / pieces,
    cpuUs: (cpus.get(way) ?? 0) * 1_000 / (pieces * streams),
  }]));
}

async function ask(
  { url, token }: Way,
  pieces: number,
): Promise<{ readonly firstMs: number; readonly totalMs: number }> {
  const from = performance.now();
  const response = await fetch(`${url}/v1/messages?pieces=${pieces}`, {
    method: "POST",
    headers: { "x-api-key": token },
    body: JSON.stringify({ max_tokens: 1_000, messages: [] }),
  });
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  let firstMs = 0;
  for await (const _ of response.body ?? []) firstMs ||= performance.now() - from;
  return { firstMs, totalMs: performance.now() - from };
}

if (import.meta.main) await main();
