/**
 * The API's routes, put together, and what holds for all of them: problems as answers, limits, and
 * headers.
 *
 * @module
 */
import { ConnectError, messageOf, StreamError, VERSION } from "@ourocodus/bus";
import { isForeignOrigin } from "@ourocodus/http";
import { OpenAPIHono } from "@hono/zod-openapi";
import { getLogger } from "@logtape/logtape";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { routePath } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { allowedMethods } from "./allowed_methods.ts";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problem.ts";
import { withBody } from "./request_body.ts";
import { requestProblem } from "./request_problem.ts";
import { agentRoute } from "./routes/agent_route.ts";
import { agentsRoute } from "./routes/agents_route.ts";
import { deadLettersRoute } from "./routes/dead_letters_route.ts";
import { eventsRoute } from "./routes/events_route.ts";
import { healthRoute } from "./routes/health_route.ts";
import { metricsRoute } from "./routes/metrics_route.ts";
import { monitorRoute } from "./routes/monitor_route.ts";
import { pendingWorkRoute } from "./routes/pending_work_route.ts";
import { problemsRoute } from "./routes/problems_route.ts";
import { requeueRoute } from "./routes/requeue_route.ts";
import { resultsRoute } from "./routes/results_route.ts";
import { sendWorkRoute } from "./routes/send_work_route.ts";
import { sessionRoute } from "./routes/session_route.ts";
import { sessionsRoute } from "./routes/sessions_route.ts";
import { statsRoute } from "./routes/stats_route.ts";
import { stopAgentRoute } from "./routes/stop_agent_route.ts";
import { workBySequenceRoute } from "./routes/work_by_sequence_route.ts";
import { workRoute } from "./routes/work_route.ts";

/** The application that routes are added to. */
export type ApiApp = OpenAPIHono;

/** Settings of {@linkcode apiHandler}. */
export interface AppOptions {
  /** Origins of pages that may use it besides its own host's; `*` is any. */
  readonly allowedOrigins?: readonly string[];
  /** The largest body of a request, in bytes. */
  readonly maxBodyBytes: number;
  /** How long a request's body may take to come, in milliseconds; 30 000 by default. */
  readonly bodyTimeoutMs?: number;
}

/** Each adds one route. */
const ROUTES: readonly ((app: ApiApp, parts: ApiParts) => void)[] = [
  healthRoute,
  metricsRoute,
  agentsRoute,
  agentRoute,
  stopAgentRoute,
  sessionsRoute,
  sessionRoute,
  pendingWorkRoute,
  sendWorkRoute,
  workBySequenceRoute,
  resultsRoute,
  deadLettersRoute,
  requeueRoute,
  workRoute,
  statsRoute,
  eventsRoute,
  problemsRoute,
];

const DEFAULT_BODY_TIMEOUT_MS = 30_000;
const log = getLogger(["ourocodus", "api"]);

/** Makes the handler for `Deno.serve`. */
export function apiHandler(
  parts: ApiParts,
  options: AppOptions,
): (request: Request) => Promise<Response> {
  const app = apiApp(parts, options);
  const { maxBodyBytes: maxBytes, bodyTimeoutMs: timeoutMs = DEFAULT_BODY_TIMEOUT_MS } = options;
  return async (request) => {
    try {
      return await app.fetch(await withBody(request, { maxBytes, timeoutMs }));
    } catch (error) {
      return answer(error).response(pathOf(request));
    }
  };
}

function apiApp(parts: ApiParts, { allowedOrigins = [] }: AppOptions): ApiApp {
  const app: ApiApp = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw requestProblem(result.target, result.error);
    },
  });
  app.onError((error, { req }) => answer(error).response(req.path));
  app.notFound(({ req }) => notFound(app, req.method, req.path));
  app.use(async (context, next) => {
    const begun = performance.now();
    await next();
    const { req, res } = context;
    const route = routePath(context, -1);
    const seconds = (performance.now() - begun) / 1_000;
    parts.metrics.answered(req.method, route, res.status, seconds);
  });
  app.use(HEADERS);
  if (allowedOrigins.length > 0) {
    const origin = allowedOrigins.includes("*") ? "*" : [...allowedOrigins];
    app.use(cors({ origin, exposeHeaders: ["location", "preference-applied"] }));
  }
  app.use(async ({ req }, next) => {
    const { raw, method } = req;
    if (method !== "GET" && method !== "HEAD" && isForeignOrigin(raw, allowedOrigins)) {
      const detail = `origin is ${raw.headers.get("origin")}, a page of another host; ` +
        "ALLOWED_ORIGINS may name it";
      throw new ProblemError("foreign_origin", detail);
    }
    await next();
  });
  for (const route of ROUTES) route(app, parts);
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Ourocodus",
      version: VERSION,
      description: "Where all agents, sessions and pieces of work are, live, and sending work.",
    },
  });
  monitorRoute(app, parts);
  return app;
}

const HEADERS = secureHeaders({
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
});

function notFound(app: ApiApp, method: string, path: string): Response {
  const allowed = allowedMethods(app, path);
  if (allowed.length === 0 || allowed.includes(method) && method !== "OPTIONS") {
    return new ProblemError("not_found", `there is no ${path}`).response(path);
  }
  const allow = allowed.join(", ");
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  const detail = `method is ${method}, allowed are ${allow}`;
  return new ProblemError("method_not_allowed", detail, { headers: { allow } }).response(path);
}

function answer(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof HTTPException && error.status < 500) {
    // Of the body, which is read before a route is: of another type, or no JSON.
    const kind = error.status === 415 ? "unsupported_media_type" : "invalid_request";
    const detail = kind === "invalid_request" ? error.message : "the body must be application/json";
    return new ProblemError(kind, detail);
  }
  if (error instanceof StreamError || error instanceof ConnectError) {
    return new ProblemError("unavailable", messageOf(error), { headers: { "retry-after": "1" } });
  }
  const shown = error instanceof Error ? error.stack ?? error.message : String(error);
  log.error("a request failed", { error: shown });
  return new ProblemError("internal", "this is a fault of the server, which has logged it");
}

function pathOf({ url }: Request): string {
  return URL.parse(url)?.pathname ?? "/";
}
