/**
 * The relay's settings.
 *
 * @module
 */
import {
  type ConnectOptions,
  NATS_SETTINGS,
  STREAM_SETTINGS,
  type StreamLimits,
  streamSettings,
} from "@ourocodus/bus";
import {
  checkedServer,
  DRAIN_MS,
  portSetting,
  SERVER_SETTINGS,
  type ServerSettings,
} from "@ourocodus/edge";
import {
  bytes,
  duration,
  type Environment,
  integer,
  LOG_LEVEL,
  readSettings,
  type SettingsOf,
} from "@ourocodus/protocol";

const SIZES = ["64KB", "16GB"] as const;
const AGENTS = [1, 1_000_000] as const;

/** What a relay does with work, and how much of it. */
const LIMITS = {
  ackWaitMs: duration(
    "ACK_WAIT_SECONDS",
    "how long until a dead relay's work is delivered again",
    { fallback: 30, range: ["500ms", "1d"] },
  ),
  graceMs: duration(
    "LEASE_GRACE_SECONDS",
    "how long an agent that lost its connection keeps its work",
    { fallback: 15, range: [0, "1d"] },
  ),
  maxDeliver: integer("MAX_DELIVER", "charged attempts before work is dead-lettered", {
    fallback: 5,
    range: [1, 1_000],
  }),
  maxAttemptMs: duration(
    "MAX_ATTEMPT_DURATION",
    "how long an attempt may take unless its agent or its work says so; 0: as long as it likes",
    { fallback: 0, range: [0, "30d"] },
  ),
  noProgressMs: duration(
    "NO_PROGRESS_AFTER",
    "how long an agent may say nothing about work unless they say so; 0: as long as it likes",
    { fallback: 0, range: [0, "30d"] },
  ),
  suspendAfter: integer(
    "SUSPEND_AFTER",
    "failures at once, in a row, after which an agent is suspended; 0: never",
    { fallback: 5, range: [0, 1_000] },
  ),
  maxHeldBytes: bytes("MAX_HELD_BYTES", "maximum bytes of results held while NATS is away", {
    fallback: "64MB",
    range: SIZES,
  }),
  maxUnreadBytes: bytes("MAX_UNREAD_BYTES", "maximum bytes that wait for one agent to read them", {
    fallback: "64MB",
    range: SIZES,
  }),
  maxFrameBytes: bytes("MAX_FRAME_BYTES", "maximum size of a WebSocket frame from an agent", {
    fallback: "16MB",
    range: SIZES,
  }),
};

/** How many agents may connect, and how much they may say. */
const CONNECTIONS = {
  maxAgents: integer("MAX_AGENTS", "maximum connected agents", { fallback: 20_000, range: AGENTS }),
  maxSessionAgents: integer("MAX_SESSION_AGENTS", "maximum agents of one session", {
    otherwise: "MAX_AGENTS",
    range: AGENTS,
  }),
  maxFramesPerSecond: integer(
    "MAX_FRAMES_PER_SECOND",
    "maximum frames from one agent in a second",
    { fallback: 50_000, range: [1, 10_000_000] },
  ),
  maxUnreadBytesInAll: bytes(
    "MAX_UNREAD_BYTES_IN_ALL",
    "maximum bytes that wait for all agents together",
    { fallback: "1GB", range: SIZES },
  ),
};

/** All settings of a relay. */
export const RELAY_SETTINGS = {
  nats: NATS_SETTINGS,
  server: { port: portSetting(8080), ...SERVER_SETTINGS },
  logLevel: LOG_LEVEL,
  drainMs: DRAIN_MS,
  limits: LIMITS,
  connections: CONNECTIONS,
  streams: STREAM_SETTINGS,
};

/** What a relay does with work, and how much of it; durations in milliseconds. */
export type RelayLimits = SettingsOf<typeof LIMITS>;

/** What applies where nothing is set. */
export const DEFAULT_LIMITS: RelayLimits = readSettings(LIMITS, new Map());

/** How many agents may connect, and how much they may say. */
export interface ConnectionLimits extends SettingsOf<typeof CONNECTIONS> {
  readonly maxSessionAgents: number;
}

/** What applies where nothing is set. */
export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = connectionLimits(
  readSettings(CONNECTIONS, new Map()),
);

/** The settings of a relay, checked. */
export interface RelaySettings
  extends Pick<SettingsOf<typeof RELAY_SETTINGS>, "logLevel" | "drainMs" | "limits"> {
  readonly nats: ConnectOptions;
  readonly streams: StreamLimits;
  readonly server: ServerSettings;
  readonly connections: ConnectionLimits;
}

/**
 * Reads {@linkcode RELAY_SETTINGS}.
 *
 * @throws {SettingError} Names the variable, its value and the limit.
 */
export function relaySettings(env: Environment): RelaySettings {
  const read = readSettings(RELAY_SETTINGS, env);
  return {
    ...read,
    nats: { ...read.nats, name: "ourocodus-relay" },
    streams: streamSettings(env),
    server: checkedServer(read.server),
    connections: connectionLimits(read.connections),
  };
}

function connectionLimits(read: SettingsOf<typeof CONNECTIONS>): ConnectionLimits {
  const { maxAgents, maxSessionAgents = maxAgents } = read;
  return { ...read, maxSessionAgents };
}
