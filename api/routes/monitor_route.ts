/**
 * The monitor's files, and its page for every path of its own.
 *
 * @module
 */
import type { ApiApp } from "../app.ts";
import type { ApiParts } from "../parts.ts";

/** The paths that the monitor's page itself takes apart. */
const PAGES = /^\/(agents|sessions(\/[^/]+(\/.*)?)?|work(\/.*)?|events|send)?\/?$/;

/** Adds the route; to be added after all others. */
export function monitorRoute(app: ApiApp, { monitor }: ApiParts): void {
  app.get("*", async (context, next) => {
    const { path } = context.req;
    const { headers } = context.req.raw;
    const response = monitor.respond(PAGES.test(path) ? "/index.html" : path, headers);
    if (response !== undefined) return response;
    return await next();
  });
}
