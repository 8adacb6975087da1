/**
 * Clients of the API's event stream, many in one process: `event_readers.ts PORT CLIENTS`.
 *
 * Writes a line of JSON when all have connected, and one for each phase (see
 * {@linkcode PhaseReport}), when all have got the event that ends it. The sockets are plain and
 * what comes is only scanned, so that the clients cost less than what they measure.
 *
 * @module
 */
import { connect } from "node:net";
import { now } from "./clock.ts";
import { Latencies } from "./latencies.ts";

/** What the clients of one process saw of one phase. */
export interface PhaseReport {
  readonly phase: string;
  /** Events that came, to all clients together. */
  readonly received: number;
  /** How many of them were not the next after the one before. */
  readonly outOfOrder: number;
  /** From publishing to having been read, in milliseconds. */
  readonly latencies: readonly (readonly [ms: number, count: number])[];
}

/** The type of the events that are published. */
export const BENCH_EVENT = "bench";
/** The type of the event that ends a phase. */
export const PHASE_END = "bench.phase_end";

const EVENT = /^id: (\d+)\ndata: .*"type":"(bench[^"]*)".*"phase":"([^"]*)","at":([\d.]+)/;

/** The clients of this process together. */
class Readers {
  readonly #count: number;
  readonly #tell: (line: object) => void;
  #latencies = new Latencies();
  #received = 0;
  #outOfOrder = 0;
  #connected = 0;
  #atPhaseEnd = 0;

  constructor(count: number, tell: (line: object) => void) {
    this.#count = count;
    this.#tell = tell;
  }

  onConnected(): void {
    if (++this.#connected === this.#count) this.#tell({ connected: this.#count });
  }

  onEvent(inOrder: boolean, sentAt: number): void {
    this.#received++;
    if (!inOrder) this.#outOfOrder++;
    this.#latencies.add(now() - sentAt);
  }

  onPhaseEnd(phase: string): void {
    if (++this.#atPhaseEnd < this.#count) return;
    const report: PhaseReport = {
      phase,
      received: this.#received,
      outOfOrder: this.#outOfOrder,
      latencies: this.#latencies.entries(),
    };
    this.#tell(report);
    this.#latencies = new Latencies();
    this.#received = this.#outOfOrder = this.#atPhaseEnd = 0;
  }
}

/** Opens one client. It ends this process with an error if the server ends it. */
function open(port: number, readers: Readers): void {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  // HTTP/1.0: the body is the stream itself, in no chunks.
  socket.write(`GET /api/events HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  let text = "";
  let last: number | undefined;
  let connected = false;
  socket.setEncoding("latin1");
  socket.on("data", (part: string) => {
    const blocks = (text + part).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      if (!connected && block.includes("event: status")) {
        connected = true;
        readers.onConnected();
      }
      const [, id, type, phase, at] = EVENT.exec(block) ?? [];
      if (type === undefined) continue;
      const sequence = Number(id);
      readers.onEvent(last === undefined || sequence === last + 1, Number(at));
      last = sequence;
      if (type === PHASE_END) readers.onPhaseEnd(phase ?? "");
    }
  });
  const fail = (error?: Error) => {
    console.error(`a client was ended by the server: ${error?.message ?? text}`);
    Deno.exit(1);
  };
  socket.on("error", fail);
  socket.on("end", () => fail());
}

if (import.meta.main) {
  const [port = NaN, count = NaN] = Deno.args.map(Number);
  const readers = new Readers(count, (line) => console.log(JSON.stringify(line)));
  for (let number = 0; number < count; number++) open(port, readers);
}
