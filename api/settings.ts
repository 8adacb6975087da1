/**
 * The API's settings, from the environment.
 *
 * @module
 */
import {
  bytesSetting,
  type ConnectOptions,
  type Environment,
  integerSetting,
  logLevelSetting,
  natsSettings,
  type StreamLimits,
  streamSettings,
  textSetting,
} from "@ourocodus/bus";
import { findHome, type Home } from "@ourocodus/system";

/** All settings of the API. */
export interface ApiSettings {
  readonly nats: ConnectOptions;
  readonly streams: StreamLimits;
  readonly host: string;
  readonly port: number;
  readonly logLevel: ReturnType<typeof logLevelSetting>;
  /** Origins of pages that may use it besides its own host's; `*` is any. */
  readonly allowedOrigins: readonly string[];
  /** The largest body of a request, in bytes. */
  readonly maxBodyBytes: number;
  /** Where agents are kept that `agent start` started on this machine. */
  readonly home: Home;
  /** Where Docker is asked for. */
  readonly env: Environment;
}

const MIB = 2 ** 20;

/**
 * Reads `HOST` (127.0.0.1), `PORT` (9000), `LOG_LEVEL` (info), `ALLOWED_ORIGINS`, `MAX_BODY_BYTES`
 * (1 MiB), `OUROCODUS_HOME`, where Docker is (`DOCKER_HOST`, …), and the settings of NATS and the
 * streams.
 *
 * @throws {SettingError} Names the variable, its value and the limit.
 */
export function apiSettings(env: Environment): ApiSettings {
  return {
    nats: { ...natsSettings(env), name: "ourocodus-api" },
    streams: streamSettings(env),
    host: textSetting(env, "HOST") ?? "127.0.0.1",
    port: integerSetting(env, "PORT", { fallback: 9000, min: 0, max: 65_535 }),
    logLevel: logLevelSetting(env),
    allowedOrigins: (textSetting(env, "ALLOWED_ORIGINS") ?? "").split(",").map((origin) =>
      origin.trim()
    ).filter(Boolean),
    maxBodyBytes: bytesSetting(env, "MAX_BODY_BYTES", {
      fallback: MIB,
      min: 1_024,
      max: 64 * MIB,
    }),
    home: findHome(env),
    env,
  };
}
