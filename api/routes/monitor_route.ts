/**
 * The monitor's files, and its page for every path of its own.
 *
 * @module
 */
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";

/** Adds the route; to be added after all others. */
export function monitorRoute(app: ApiApp, { monitor }: ApiParts): void {
  app.get("*", async ({ req }, next) => {
    return monitor.respond(req.path, req.raw.headers) ?? await next();
  });
}
