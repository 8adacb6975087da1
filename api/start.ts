/**
 * Puts the API together: NATS, the streams, the routes and the HTTP server.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { getLogger } from "@logtape/logtape";
import { connect, ensureStreams, watchCluster } from "@ourocodus/bus";
import { Gate, leaveReport, listen, natsReports, type RunningServer } from "@ourocodus/edge";
import { OutcomeCounts } from "@ourocodus/ops";
import { Agents } from "./agents.ts";
import { apiHandler } from "./app.ts";
import { sampleBacklog } from "./backlog_samples.ts";
import { EventHub } from "./event_hub.ts";
import { ApiMetrics, type SystemNumbers } from "./metrics.ts";
import { MonitorFiles } from "./monitor_files.ts";
import type { ApiParts } from "./parts.ts";
import { ResultWaits } from "./result_waits.ts";
import { SessionStats } from "./session_stats.ts";
import type { ApiSettings } from "./settings.ts";
import { SystemLook } from "./system_look.ts";

/** An API that runs; stopping it ends event streams at once, other requests when they are answered. */
export type RunningApi = RunningServer;

const log = getLogger(["ourocodus", "api"]);
/** What `deno task web` writes. */
const MONITOR_FOLDER = fileURLToPath(new URL("../web/dist", import.meta.url));
/** How long stopping waits for requests under way, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Starts the API.
 *
 * @throws {ConnectError} If NATS cannot be reached.
 * @throws {StreamError} If it has no JetStream, or the streams cannot be used.
 * @throws {SettingError} If the port cannot be listened on, or a file that is set cannot be used.
 */
export async function startApi(settings: ApiSettings): Promise<RunningApi> {
  const gate = await Gate.open(settings.server.tokens, settings.server);
  const connection = await connect({
    ...settings.nats,
    ...natsReports(log),
  });
  try {
    await ensureStreams(connection, settings.streams);
    const events = await EventHub.start(connection, { maxClients: settings.maxEventClients });
    const monitor = await MonitorFiles.read(MONITOR_FOLDER);
    return await serve({ connection, events, monitor, gate }, settings);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function serve(
  { connection, events, monitor, gate }:
    & Pick<ApiParts, "connection" | "events" | "monitor">
    & { readonly gate: Gate },
  settings: ApiSettings,
): Promise<RunningApi> {
  const look = new SystemLook(connection);
  const waits = new ResultWaits(events);
  const stats = new SessionStats();
  events.listen((record) => stats.record(record));
  const metrics = new ApiMetrics({
    events: () => events,
    connected: () => connection.connected,
    waits: () => waits.size,
    system: () => systemNumbers(look),
  });
  connection.listen({
    onLost: () => log.warn("NATS is away", { url: connection.url }),
    onRestored: () => {
      metrics.reconnected();
      log.info("NATS is back", { url: connection.url });
    },
  });
  if (!monitor.isBuilt) log.warn("the monitor is not built: deno task web builds it");
  const parts: ApiParts = {
    ...{ connection, events, monitor, look, waits, stats, metrics },
    limits: settings.streams,
    agents: new Agents({ connection, look, home: settings.home, env: settings.env }),
    counts: new OutcomeCounts(connection),
    startedAt: Date.now(),
  };
  const { maxBodyBytes, server: { allowedOrigins } } = settings;
  const handler = apiHandler(parts, { gate, allowedOrigins, maxBodyBytes });
  const server = await listen(settings.server, handler);
  const endSampling = sampleBacklog(stats.all, look);
  const unwatch = watchCluster(connection, leaveReport(log, connection));
  return {
    port: server.addr.port,
    nats: connection.url,
    failed: connection.nats.closed(),
    async stop() {
      unwatch();
      await events.close();
      await endSampling();
      await within(CLOSE_TIMEOUT_MS, server.shutdown());
      await connection.close();
    },
  };
}

async function systemNumbers(look: SystemLook): Promise<SystemNumbers | undefined> {
  try {
    const asked = [look.streams(), look.directory()] as const;
    const [{ numbers: { work, log } }, { relays, agents }] = await Promise.all(asked);
    const running = agents.reduce((sum, agent) => sum + agent.in_hand, 0);
    return { streams: { work, log }, relays: relays.length, agents: agents.length, running };
  } catch {
    return undefined;
  }
}

/** Waits for a promise, but not for longer than this. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([promise, enough]);
  clearTimeout(timer);
}
