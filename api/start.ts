/**
 * Puts the API together: NATS, the streams, the routes and the HTTP server.
 *
 * @module
 */
import { connect, type Connection, ensureStreams, messageOf, SettingError } from "@ourocodus/bus";
import { getLogger } from "@logtape/logtape";
import { apiApp } from "./app.ts";
import { EventHub } from "./event_hub.ts";
import type { ApiParts } from "./parts.ts";
import type { ApiSettings } from "./settings.ts";

/** An API that runs. */
export interface RunningApi {
  /** The port that it listens on. */
  readonly port: number;
  /** Where NATS is, without credentials. */
  readonly nats: string;
  /** Resolves when the connection to NATS is closed for good; that cannot be survived. */
  readonly failed: Promise<Error | void>;
  /** Ends it: event streams at once, other requests when they are answered. */
  stop(): Promise<void>;
}

const log = getLogger(["ourocodus", "api"]);
/** How long stopping waits for requests under way, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Starts the API.
 *
 * @throws {ConnectError} If NATS cannot be reached.
 * @throws {StreamError} If it has no JetStream, or the streams cannot be used.
 * @throws {SettingError} If the port cannot be listened on.
 */
export async function startApi(settings: ApiSettings): Promise<RunningApi> {
  const connection = await connect({
    ...settings.nats,
    onError: (error) => log.warn("NATS reports an error", { error: error.message }),
  });
  try {
    await ensureStreams(connection, settings.streams);
    return serve(connection, await EventHub.start(connection), settings);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function serve(connection: Connection, events: EventHub, settings: ApiSettings): RunningApi {
  connection.listen({
    onLost: () => log.warn("NATS is away", { url: connection.url }),
    onRestored: () => log.info("NATS is back", { url: connection.url }),
  });
  const parts: ApiParts = { connection, events, startedAt: Date.now() };
  const server = listen(parts, settings);
  return {
    port: server.addr.port,
    nats: connection.url,
    failed: connection.nats.closed(),
    async stop() {
      await events.close();
      await within(CLOSE_TIMEOUT_MS, server.shutdown());
      await connection.close();
    },
  };
}

function listen(parts: ApiParts, settings: ApiSettings): Deno.HttpServer<Deno.NetAddr> {
  const { host, port, allowedOrigins, maxBodyBytes } = settings;
  const app = apiApp(parts, { allowedOrigins, maxBodyBytes });
  try {
    return Deno.serve(
      { hostname: host, port, onListen: () => {} },
      (request) => app.fetch(request),
    );
  } catch (error) {
    const why = error instanceof Deno.errors.AddrInUse ? "it is in use" : messageOf(error);
    throw new SettingError(`Cannot listen on ${host} port ${port}: ${why}`, { cause: error });
  }
}

/** Waits for a promise, but not for longer than this. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([promise, enough]);
  clearTimeout(timer);
}
