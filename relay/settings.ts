/**
 * The relay's settings, from the environment.
 *
 * @module
 */
import {
  bytesSetting,
  type ConnectOptions,
  durationSettingMs,
  type Environment,
  integerSetting,
  logLevelSetting,
  natsSettings,
  type StreamLimits,
  streamSettings,
  textSetting,
} from "@ourocodus/bus";

/** All settings of a relay. */
export interface RelaySettings {
  readonly nats: ConnectOptions;
  readonly streams: StreamLimits;
  readonly host: string;
  readonly port: number;
  readonly logLevel: ReturnType<typeof logLevelSetting>;
  readonly drainMs: number;
  /** Origins of pages that may connect besides the relay's own host's; `*` is any. */
  readonly allowedOrigins: readonly string[];
  readonly limits: RelayLimits;
}

/** What a relay does with work, and how much of it. */
export interface RelayLimits {
  /** How long a lease lives once its relay is gone, in milliseconds. */
  readonly ackWaitMs: number;
  /** How long an agent that has lost its socket may take to come back to its work, in milliseconds. */
  readonly graceMs: number;
  /** After so many attempts a piece of work is given up on. */
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
 * Reads `HOST` (127.0.0.1), `PORT` (8080), `LOG_LEVEL` (info), `ALLOWED_ORIGINS`, `DRAIN_SECONDS` (25),
 * `ACK_WAIT_SECONDS` (30), `LEASE_GRACE_SECONDS` (15), `MAX_DELIVER` (5), `MAX_HELD_BYTES`, `MAX_UNREAD_BYTES` (64 MiB each),
 * `MAX_FRAME_BYTES` (16 MiB), and the settings of NATS and the streams.
 *
 * @throws {SettingError} Names the variable, its value and the limit.
 */
export function relaySettings(env: Environment): RelaySettings {
  const bytes = (name: string, fallback: number) =>
    bytesSetting(env, name, { fallback, min: 64 * 1024, max: 16 * 1024 * MIB });
  return {
    nats: { ...natsSettings(env), name: "ourocodus-relay" },
    streams: streamSettings(env),
    host: textSetting(env, "HOST") ?? "127.0.0.1",
    port: integerSetting(env, "PORT", { fallback: 8080, min: 0, max: 65_535 }),
    logLevel: logLevelSetting(env),
    drainMs: durationSettingMs(env, "DRAIN_SECONDS", { fallback: 25_000, min: 0, max: 3_600_000 }),
    allowedOrigins: (textSetting(env, "ALLOWED_ORIGINS") ?? "").split(",").map((origin) =>
      origin.trim()
    ).filter(Boolean),
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
