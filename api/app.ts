/**
 * The API's routes, put together, and what holds for all of them: problems as answers, limits, and
 * headers.
 *
 * @module
 */
import { ConnectError, messageOf, StreamError } from "@ourocodus/bus";
import { isForeignOrigin } from "@ourocodus/http";
import { OpenAPIHono } from "@hono/zod-openapi";
import { getLogger } from "@logtape/logtape";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problem.ts";
import { eventsRoute } from "./routes/events_route.ts";
import { healthRoute } from "./routes/health_route.ts";
import { requestProblem } from "./request_problem.ts";

/** The application that routes are added to. */
export type ApiApp = OpenAPIHono;

/** Settings of {@linkcode apiApp}. */
export interface AppOptions {
  /** Origins of pages that may use it besides its own host's; `*` is any. */
  readonly allowedOrigins?: readonly string[];
  /** The largest body of a request, in bytes. */
  readonly maxBodyBytes: number;
}

/** Each adds one route. */
const ROUTES: readonly ((app: ApiApp, parts: ApiParts) => void)[] = [
  healthRoute,
  eventsRoute,
];

const log = getLogger(["ourocodus", "api"]);

/** Makes the application; its `fetch` is a handler for `Deno.serve`. */
export function apiApp(parts: ApiParts, options: AppOptions): ApiApp {
  const app: ApiApp = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw requestProblem(result.target, result.error);
    },
  });
  app.onError((error, context) => answer(error).response(context.req.path));
  app.notFound((context) => {
    const detail = `there is no ${context.req.path}`;
    return new ProblemError("not_found", detail).response(context.req.path);
  });
  app.use(secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", "data:"],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
    crossOriginResourcePolicy: "same-origin",
    referrerPolicy: "no-referrer",
    strictTransportSecurity: false,
    xFrameOptions: "DENY",
  }));
  app.use(async (context, next) => {
    const { raw, method } = context.req;
    const changes = method !== "GET" && method !== "HEAD";
    if (changes && isForeignOrigin(raw, options.allowedOrigins)) {
      const detail = `origin is ${raw.headers.get("origin")}, a page of another host; ` +
        "ALLOWED_ORIGINS may name it";
      throw new ProblemError("foreign_origin", detail);
    }
    await next();
  });
  app.use(bodyLimit({
    maxSize: options.maxBodyBytes,
    onError: () => {
      throw new ProblemError(
        "too_large",
        `the body is too large, limit is ${options.maxBodyBytes} bytes`,
      );
    },
  }));
  for (const route of ROUTES) route(app, parts);
  return app;
}

function answer(error: Error): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof StreamError || error instanceof ConnectError) {
    return new ProblemError("unavailable", messageOf(error), { headers: { "retry-after": "1" } });
  }
  log.error("a request failed", { error: error.stack ?? messageOf(error) });
  return new ProblemError("internal", "this is a fault of the server, which has logged it");
}
