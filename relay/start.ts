/**
 * Puts a relay together: NATS, the streams, the core and the HTTP server.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import {
  Acknowledger,
  connect,
  type Connection,
  ensureStreams,
  LogWriter,
  type Streams,
  watchCluster,
  WorkQueue,
} from "@ourocodus/bus";
import { Gate, leaveReport, listen, natsReports, type RunningServer } from "@ourocodus/edge";
import { messageOf } from "@ourocodus/protocol";
import { Seats } from "./connection_limits.ts";
import {
  answerAgentQueries,
  answerAgentStops,
  answerCancellations,
  answerExtensions,
} from "./directory.ts";
import { Relay } from "./relay.ts";
import { relayHandler } from "./server.ts";
import type { RelaySettings } from "./settings.ts";
import { SpareMemory } from "./spare_memory.ts";
import { StrayCollector } from "./strays.ts";

/** A relay that runs. */
export interface RunningRelay extends RunningServer {
  readonly relay: Relay;
  /** Ends it, see `Relay.drain`. @param signal Aborts the waiting for what agents have. */
  stop(signal?: AbortSignal): Promise<void>;
}

const log = getLogger(["ourocodus", "relay"]);
/** How long stopping waits for results to be stored, in milliseconds. */
const STORE_TIMEOUT_MS = 5_000;
/** How long stopping waits for sockets to end, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;
const REPAIR_EVERY_MS = 5_000;

/**
 * Starts a relay.
 *
 * @throws {ConnectError} If NATS cannot be reached.
 * @throws {StreamError} If it has no JetStream, or the streams cannot be used.
 * @throws {SettingError} If the port cannot be listened on, or a file that is set cannot be used.
 */
export async function startRelay(settings: RelaySettings): Promise<RunningRelay> {
  const gate = await Gate.open(settings.server.tokens, settings.server);
  const connection = await connect({
    ...settings.nats,
    ...natsReports(log),
  });
  try {
    const streams = await ensureStreams(connection, settings.streams, { upgrade: true });
    return await serve({ connection, streams, gate }, settings);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function serve(
  { connection, streams, gate }: {
    readonly connection: Connection;
    readonly streams: Streams;
    readonly gate: Gate;
  },
  settings: RelaySettings,
): Promise<RunningRelay> {
  const queue = new WorkQueue(connection, { ackWaitMs: settings.limits.ackWaitMs });
  const repair = streamRepair(connection, settings, streams, queue);
  const acknowledger = new Acknowledger(connection);
  const writer = new LogWriter(connection, {
    onProblem: (reason) => {
      log.warn("results cannot be stored yet", { reason });
      repair();
    },
  });
  const relay = new Relay(
    { connection, queue, writer, acknowledger, onProblem: repair },
    settings.limits,
  );
  const seats = new Seats(settings.connections);
  const memory = new SpareMemory(() => seats.changes);
  const server = await listen(settings.server, relayHandler(relay, { gate, seats }));
  const unwatch = watchCluster(connection, leaveReport(log, connection));
  answerAgentQueries(connection, relay);
  answerAgentStops(connection, relay);
  answerCancellations(connection, relay);
  answerExtensions(connection, relay);
  const strays = new StrayCollector({
    connection,
    writer,
    onProblem: (reason) => log.warn("stray work has no dead letter", { reason }),
  });
  return {
    relay,
    port: server.addr.port,
    nats: connection.url,
    failed: connection.nats.closed(),
    async stop(signal) {
      memory.close();
      unwatch();
      const collected = strays.close();
      await relay.drain(settings.drainMs, signal);
      await within(STORE_TIMEOUT_MS, collected, signal);
      await within(STORE_TIMEOUT_MS, writer.idle(), signal);
      if (writer.heldBytes > 0) {
        log.warn("results and events could not be stored; the work is handed out again", {
          held_bytes: writer.heldBytes,
        });
      }
      await relay.close();
      await queue.close();
      await acknowledger.close();
      writer.close();
      await connection.close();
      // A socket that never ends, because its agent does not read, must not keep the process.
      await within(CLOSE_TIMEOUT_MS, server.shutdown());
    },
  };
}

/** Makes the streams again if they have gone, at most every few seconds. */
function streamRepair(
  connection: Connection,
  settings: RelaySettings,
  found: Streams,
  queue: WorkQueue,
): () => void {
  let last = -REPAIR_EVERY_MS;
  let { created } = found.work;
  const repair = async () => {
    const { work } = await ensureStreams(connection, settings.streams);
    // Another relay may have been faster.
    if (work.created === created) return;
    created = work.created;
    log.warn("the work's stream was removed, and is made again");
    queue.remake();
  };
  return () => {
    const now = performance.now();
    if (now - last < REPAIR_EVERY_MS || !connection.connected) return;
    last = now;
    repair().catch((error) =>
      log.error("the streams cannot be made again", { error: messageOf(error) })
    );
  };
}

/** Waits for a promise, but not for longer than this. */
async function within(ms: number, promise: Promise<void>, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => resolve(), { once: true });
    if (signal?.aborted) resolve();
  });
  await Promise.race([promise, enough]);
  clearTimeout(timer);
}
