/**
 * The API's settings, from the environment.
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
  type Environment,
  integerSetting,
  logLevelSetting,
} from "@ourocodus/protocol";
import { findHome, type Home } from "@ourocodus/system";

/** All settings of the API. */
export interface ApiSettings {
  readonly nats: ConnectOptions;
  readonly streams: StreamLimits;
  /** Where it listens, and for whom. */
  readonly server: ServerSettings;
  readonly logLevel: ReturnType<typeof logLevelSetting>;
  /** The largest body of a request, in bytes. */
  readonly maxBodyBytes: number;
  /** As many clients may follow events. */
  readonly maxEventClients: number;
  /** Where agents are kept that `agent start` started on this machine. */
  readonly home: Home;
  /** Where Docker is asked for. */
  readonly env: Environment;
}

const MIB = 2 ** 20;

/**
 * Reads `LOG_LEVEL` (info), `MAX_BODY_BYTES` (1 MiB),
 * `MAX_EVENT_CLIENTS` (10 000), `OUROCODUS_HOME`, where Docker is
 * (`DOCKER_HOST`, …), and the settings of the server (`HOST`, `PORT` (9000), …), of NATS and of the
 * streams.
 *
 * @throws {SettingError} Names the variable, its value and the limit.
 */
export function apiSettings(env: Environment): ApiSettings {
  return {
    nats: { ...natsSettings(env), name: "ourocodus-api" },
    streams: streamSettings(env),
    server: serverSettings(env, { port: 9000 }),
    logLevel: logLevelSetting(env),
    maxBodyBytes: bytesSetting(env, "MAX_BODY_BYTES", {
      fallback: MIB,
      min: 1_024,
      max: 64 * MIB,
    }),
    maxEventClients: integerSetting(env, "MAX_EVENT_CLIENTS", {
      fallback: 10_000,
      min: 1,
      max: 1_000_000,
    }),
    home: findHome(env),
    env,
  };
}
