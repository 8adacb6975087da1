/**
 * What the routes work with.
 *
 * @module
 */
import type { Connection } from "@ourocodus/bus";
import type { EventHub } from "./event_hub.ts";

/** All that the API is made of, beside HTTP. */
export interface ApiParts {
  readonly connection: Connection;
  readonly events: EventHub;
  /** When it started, in milliseconds since 1970. */
  readonly startedAt: number;
}
