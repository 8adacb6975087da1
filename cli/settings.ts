/**
 * The variables that the command line reads, for documents and permissions. Flags and colours read
 * theirs without this file: `--help` loads nothing that knows NATS.
 *
 * @module
 */
import { NATS_SETTINGS, STREAM_SETTINGS } from "@ourocodus/bus";
import { DRAIN_MS, SERVER_SETTINGS } from "@ourocodus/edge";
import { text } from "@ourocodus/protocol";
import { DOCKER_SETTINGS, HOME_SETTINGS, SYSTEM_TOKEN_SETTINGS } from "@ourocodus/system";

/** What commands need that only talk to NATS; an image's command line can read no other. */
export const CLIENT_SETTINGS = {
  nats: NATS_SETTINGS,
  tokens: SYSTEM_TOKEN_SETTINGS,
  home: HOME_SETTINGS,
  session: text("OUROCODUS_SESSION", "whose work a command is about", { flag: "--session" }),
  role: text("OUROCODUS_ROLE", "which of its work", { flag: "--role" }),
  noColor: text("NO_COLOR", "any text: no colours"),
  forceColor: text("FORCE_COLOR", "1: colours, also in files; 0: none"),
  terminal: text("TERM", "dumb: a terminal without colours"),
  streams: STREAM_SETTINGS,
};

/** What `start --docker` hands to Compose. */
export const COMPOSE_SETTINGS = {
  project: text("COMPOSE_PROJECT_NAME", "Compose's name for a system in containers"),
  images: text("OUROCODUS_IMAGES", "whether images run from source or are executables", {
    otherwise: "source",
    allowed: "source, compiled",
  }),
};

/** The relay of agents that are started. */
export const RELAY_URL = text("RELAY_URL", "the relay of agents that are started", {
  flag: "--relay",
  otherwise: "the home's",
});

/** All settings of the command line. */
export const CLI_SETTINGS = {
  ...CLIENT_SETTINGS,
  relay: RELAY_URL,
  natsServer: text(
    "NATS_SERVER",
    "the nats-server that start runs; else one is found, or fetched",
    { otherwise: "one in PATH, else a cached one" },
  ),
  tls: SERVER_SETTINGS.tls,
  drainMs: DRAIN_MS,
  compose: COMPOSE_SETTINGS,
  docker: DOCKER_SETTINGS,
};
