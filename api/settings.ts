/**
 * The API's settings.
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
import { checkedServer, portSetting, SERVER_SETTINGS, type ServerSettings } from "@ourocodus/edge";
import {
  bytes,
  type Environment,
  integer,
  LOG_LEVEL,
  readSettings,
  type SettingsOf,
} from "@ourocodus/protocol";
import { DOCKER_SETTINGS, findHome, type Home, HOME_SETTINGS } from "@ourocodus/system";

/** What is the API's alone. */
const LIMITS = {
  maxBodyBytes: bytes(
    "MAX_BODY_BYTES",
    "maximum size of a request's body; NATS' own limit holds too",
    { fallback: "1MB", range: ["1KB", "64MB"] },
  ),
  maxEventClients: integer("MAX_EVENT_CLIENTS", "maximum clients that follow events", {
    fallback: 10_000,
    range: [1, 1_000_000],
  }),
};

/** All settings of the API. */
export const API_SETTINGS = {
  nats: NATS_SETTINGS,
  server: { port: portSetting(9000), ...SERVER_SETTINGS },
  logLevel: LOG_LEVEL,
  ...LIMITS,
  home: HOME_SETTINGS,
  docker: DOCKER_SETTINGS,
  streams: STREAM_SETTINGS,
};

/** The settings of the API, checked. */
export interface ApiSettings
  extends Pick<SettingsOf<typeof API_SETTINGS>, "logLevel" | keyof typeof LIMITS> {
  readonly nats: ConnectOptions;
  readonly streams: StreamLimits;
  readonly server: ServerSettings;
  /** Where agents are kept that `agent start` started on this machine. */
  readonly home: Home;
  /** Where Docker is asked for. */
  readonly env: Environment;
}

/**
 * Reads {@linkcode API_SETTINGS}.
 *
 * @throws {SettingError} Names the variable, its value and the limit.
 */
export function apiSettings(env: Environment): ApiSettings {
  const read = readSettings(API_SETTINGS, env);
  return {
    ...read,
    nats: { ...read.nats, name: "ourocodus-api" },
    streams: streamSettings(env),
    server: checkedServer(read.server),
    home: findHome(env),
    env,
  };
}
