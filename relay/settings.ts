/**
 * The relay's settings, from the environment.
 *
 * @module
 */
import {
  type ConnectOptions,
  natsSettings,
  type StreamLimits,
  streamSettings,
} from "@ourocodus/bus";
import { type ServerSettings, serverSettings } from "@ourocodus/edge";
import {
  bytesSetting,
  durationSettingMs,
  type Environment,
  integerSetting,
  logLevelSetting,
} from "@ourocodus/protocol";
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from "./connection_limits.ts";

/** All settings of a relay. */
export interface RelaySettings {
  readonly nats: ConnectOptions;
  readonly streams: StreamLimits;
  /** Where it listens, and for whom. */
  readonly server: ServerSettings;
  readonly logLevel: ReturnType<typeof logLevelSetting>;
  readonly drainMs: number;
  /** How many agents may connect, and how much they may say. */
  readonly connections: ConnectionLimits;
  readonly limits: RelayLimits;
}

/** What a relay does with work, and how much of it. */
export interface RelayLimits {
  /** How long a lease lives once its relay is gone, in milliseconds. */
  readonly ackWaitMs: number;
  /** How long an agent that has lost its socket may take to come back to its work, in milliseconds. */
  readonly graceMs: number;
  /** After so many attempts a work item is given up on. */
  readonly maxDeliver: number;
  /** As many bytes of results are held while they cannot be stored. */
  readonly maxHeldBytes: number;
  /** As many bytes may wait for one agent to read them. */
  readonly maxUnreadBytes: number;
  /** The largest WebSocket frame taken from an agent, in bytes. */
  readonly maxFrameBytes: number;
}

const MIB = 2 ** 20;

/** What applies where nothing is set. */
export const DEFAULT_LIMITS: RelayLimits = {
  ackWaitMs: 30_000,
  graceMs: 15_000,
  maxDeliver: 5,
  maxHeldBytes: 64 * MIB,
  maxUnreadBytes: 64 * MIB,
  maxFrameBytes: 16 * MIB,
};

/**
 * Reads `LOG_LEVEL` (info), `DRAIN_SECONDS` (25), `ACK_WAIT_SECONDS` (30), `LEASE_GRACE_SECONDS`
 * (15), `MAX_DELIVER` (5), `MAX_HELD_BYTES`, `MAX_UNREAD_BYTES` (64 MiB each), `MAX_FRAME_BYTES` (16 MiB), `MAX_AGENTS`
 * (20 000), `MAX_SESSION_AGENTS` (as many), `MAX_FRAMES_PER_SECOND` (50 000),
 * `MAX_UNREAD_BYTES_IN_ALL` (1 GiB), and the settings of the server (`HOST`, `PORT` (8080), …), of
 * NATS and of the streams.
 *
 * @throws {SettingError} Names the variable, its value and the limit.
 */
export function relaySettings(env: Environment): RelaySettings {
  const bytes = (name: string, fallback: number) =>
    bytesSetting(env, name, { fallback, min: 64 * 1024, max: 16 * 1024 * MIB });
  return {
    nats: { ...natsSettings(env), name: "ourocodus-relay" },
    streams: streamSettings(env),
    server: serverSettings(env, { port: 8080 }),
    logLevel: logLevelSetting(env),
    drainMs: durationSettingMs(env, "DRAIN_SECONDS", { fallback: 25_000, min: 0, max: 3_600_000 }),
    connections: connectionLimits(env, bytes),
    limits: {
      ackWaitMs: durationSettingMs(env, "ACK_WAIT_SECONDS", {
        fallback: DEFAULT_LIMITS.ackWaitMs,
        min: 500,
        max: 86_400_000,
      }),
      graceMs: durationSettingMs(env, "LEASE_GRACE_SECONDS", {
        fallback: DEFAULT_LIMITS.graceMs,
        min: 0,
        max: 86_400_000,
      }),
      maxDeliver: integerSetting(env, "MAX_DELIVER", {
        fallback: DEFAULT_LIMITS.maxDeliver,
        min: 1,
        max: 1_000,
      }),
      maxHeldBytes: bytes("MAX_HELD_BYTES", DEFAULT_LIMITS.maxHeldBytes),
      maxUnreadBytes: bytes("MAX_UNREAD_BYTES", DEFAULT_LIMITS.maxUnreadBytes),
      maxFrameBytes: bytes("MAX_FRAME_BYTES", DEFAULT_LIMITS.maxFrameBytes),
    },
  };
}

function connectionLimits(
  env: Environment,
  bytes: (name: string, fallback: number) => number,
): ConnectionLimits {
  const agents = { min: 1, max: 1_000_000 };
  const fallback = DEFAULT_CONNECTION_LIMITS;
  const maxAgents = integerSetting(env, "MAX_AGENTS", { fallback: fallback.maxAgents, ...agents });
  return {
    maxAgents,
    maxSessionAgents: integerSetting(env, "MAX_SESSION_AGENTS", { fallback: maxAgents, ...agents }),
    maxFramesPerSecond: integerSetting(env, "MAX_FRAMES_PER_SECOND", {
      fallback: fallback.maxFramesPerSecond,
      min: 1,
      max: 10_000_000,
    }),
    maxUnreadBytesInAll: bytes("MAX_UNREAD_BYTES_IN_ALL", fallback.maxUnreadBytesInAll),
  };
}
