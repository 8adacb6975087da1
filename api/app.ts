/**
 * The API's routes, put together, and what holds for all of them: problems as answers, limits, and
 * headers.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { type Access, FULL_ACCESS, Gate, withoutToken } from "@ourocodus/edge";
import type { ApiApp } from "./api_app.ts";
import { withJsonBody } from "./json_body.ts";
import { narrowed } from "./narrowing.ts";
import { allowed, Operations } from "./operations.ts";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problem.ts";
import { problemOf, unavailable } from "./problem_of.ts";
import { checkHead, checkOrigin, checkQuery } from "./request_checks.ts";
import { requestProblem } from "./request_problem.ts";
import { agentRoute } from "./routes/agent_route.ts";
import { agentsRoute } from "./routes/agents_route.ts";
import { cancelWorkBySequenceRoute } from "./routes/cancel_work_by_sequence_route.ts";
import { cancelWorkRoute } from "./routes/cancel_work_route.ts";
import { extendWorkRoute } from "./routes/extend_work_route.ts";
import { deadLettersRoute } from "./routes/dead_letters_route.ts";
import { eventsRoute } from "./routes/events_route.ts";
import { healthRoute } from "./routes/health_route.ts";
import { metricsRoute } from "./routes/metrics_route.ts";
import { monitorRoute } from "./routes/monitor_route.ts";
import { openapiRoute } from "./routes/openapi_route.ts";
import { pendingWorkRoute } from "./routes/pending_work_route.ts";
import { problemsRoute } from "./routes/problems_route.ts";
import { questionRulesRoute } from "./routes/question_rules_route.ts";
import { questionsRoute } from "./routes/questions_route.ts";
import { requeueRoute } from "./routes/requeue_route.ts";
import { retryAllRoute } from "./routes/retry_all_route.ts";
import { retryRoute } from "./routes/retry_route.ts";
import { resultsRoute } from "./routes/results_route.ts";
import { sendWorkRoute } from "./routes/send_work_route.ts";
import { sessionRoute } from "./routes/session_route.ts";
import { sessionsRoute } from "./routes/sessions_route.ts";
import { statsRoute } from "./routes/stats_route.ts";
import { stopAgentRoute } from "./routes/stop_agent_route.ts";
import { workBySequenceRoute } from "./routes/work_by_sequence_route.ts";
import { workRoute } from "./routes/work_route.ts";
import { SECURITY_HEADERS } from "./security_headers.ts";
import { cut } from "./shown.ts";

/** Settings of {@linkcode apiHandler}. */
export interface AppOptions {
  /** Decides who comes in; everybody on this machine by default. */
  readonly gate?: Gate;
  /** Origins of pages that may read its answers; `*` is any. */
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
  cancelWorkBySequenceRoute,
  resultsRoute,
  deadLettersRoute,
  retryRoute,
  retryAllRoute,
  requeueRoute,
  workRoute,
  cancelWorkRoute,
  extendWorkRoute,
  questionsRoute,
  questionRulesRoute,
  statsRoute,
  eventsRoute,
  problemsRoute,
  openapiRoute,
  // Last: it answers for every path.
  monitorRoute,
];

const DEFAULT_BODY_TIMEOUT_MS = 30_000;
/** How long a browser need not ask again whether a page may use the API. */
const PREFLIGHT_SECONDS = 600;
const MAX_SHOWN_PATH = 200;
const MAX_SHOWN_METHOD = 20;
/** What the API knows by itself, and goes on telling while NATS is away. */
const WITHOUT_NATS = ["/api/events", "/api/stats"];

/** Makes the handler for `Deno.serve`. */
export function apiHandler(
  parts: ApiParts,
  options: AppOptions,
): (request: Request) => Promise<Response> {
  const app: ApiApp = new OpenAPIHono<{ Variables: { access: Access } }>({
    // With a slash at its end, a path is the same.
    strict: false,
    defaultHook: (result) => {
      if (!result.success) throw requestProblem(result.target, result.error);
    },
  });
  const operations = new Operations(app);
  app.onError((error, { req }) => problemOf(error).response(instanceOf(req.raw)));
  app.notFound(({ req: { raw, path } }) => {
    const methods = parts.monitor.has(path) ? ["GET"] : operations.methods(path);
    return nothingThere(raw, path, methods);
  });
  app.use(counted(parts, operations));
  app.use(SECURITY_HEADERS);
  app.use(crossOrigin(options.allowedOrigins ?? []));
  app.use(headLength);
  app.use(checked(parts, operations, options));
  for (const route of ROUTES) route(app, parts);
  return async (request) => await app.fetch(request);
}

/** Counts what is answered, by the operation's path: of others there could be any number. */
function counted({ metrics, monitor }: ApiParts, operations: Operations): MiddlewareHandler {
  return async (context, next) => {
    const begun = performance.now();
    await next();
    const { req: { method, path }, res: { status } } = context;
    const operation = operations.find(method, path);
    const route = operation?.path ?? (monitor.has(path) ? "monitor" : "none");
    metrics.answered({ method, route, status, seconds: (performance.now() - begun) / 1_000 });
  };
}

/** Lets pages of other hosts in, if any are allowed. */
function crossOrigin(allowed: readonly string[]): MiddlewareHandler {
  if (allowed.length === 0) return async (_, next) => await next();
  return cors({
    origin: allowed.includes("*") ? "*" : [...allowed],
    allowMethods: ["GET", "HEAD", "POST", "DELETE"],
    allowHeaders: ["authorization", "content-type", "idempotency-key", "last-event-id", "prefer"],
    exposeHeaders: ["allow", "location", "preference-applied", "retry-after", "www-authenticate"],
    maxAge: PREFLIGHT_SECONDS,
  });
}

/** Says to HEAD how long the body is that GET would have, unless it has no end. */
const headLength: MiddlewareHandler = async (context, next) => {
  await next();
  const { req, res } = context;
  if (req.method !== "HEAD" || res.body === null) return;
  const { byteLength } = await res.clone().arrayBuffer();
  res.headers.set("content-length", String(byteLength));
};

/** Lets only requests through that a route can do something with. */
function checked(
  { connection }: ApiParts,
  operations: Operations,
  { gate = new Gate({}), maxBodyBytes, bodyTimeoutMs = DEFAULT_BODY_TIMEOUT_MS }: AppOptions,
): MiddlewareHandler<{ Variables: { access: Access } }> {
  const limits = { maxBytes: maxBodyBytes, timeoutMs: bodyTimeoutMs };
  return async (context, next) => {
    const { req } = context;
    checkHead(req.raw, gate);
    checkOrigin(req.raw, gate);
    const operation = operations.find(req.method, req.path);
    const access = operation?.scope === undefined ? FULL_ACCESS : await admit(gate, req.raw);
    context.set("access", access);
    req.raw = withoutToken(req.raw);
    if (operation?.path.startsWith("/api/")) {
      checkQuery(req.raw, operation);
    }
    if (operation?.scope !== undefined) {
      const { scope } = operation;
      req.raw = narrowed(req.raw, req.path, { operation: { ...operation, scope }, access });
    }
    if (operation?.path.startsWith("/api/")) {
      if (!connection.connected && !WITHOUT_NATS.includes(operation.path)) {
        throw unavailable(`NATS at ${connection.url} is away`);
      }
      if (operation.takesBody) req.raw = await withJsonBody(req.raw, limits);
    }
    await next();
  };
}

async function admit(gate: Gate, request: Request): Promise<Access> {
  const admission = await gate.admit(request);
  if (admission.kind === "ok") return admission.access;
  throw ProblemError.of(admission.refusal);
}

function nothingThere(request: Request, path: string, methods: readonly string[]): Response {
  const { method } = request;
  const instance = instanceOf(request);
  const allow = allowed(methods).join(", ");
  if (allow === "" || method === "GET" || method === "HEAD") {
    return new ProblemError("not_found", `there is no ${cut(path, MAX_SHOWN_PATH)}`)
      .response(instance);
  }
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  const detail = `method is ${cut(method, MAX_SHOWN_METHOD)}, allowed are ${allow}`;
  return new ProblemError("method_not_allowed", detail, { headers: { allow } }).response(instance);
}

/** The path as it was asked for. */
function instanceOf({ url }: Request): string {
  return URL.parse(url)?.pathname ?? "/";
}
