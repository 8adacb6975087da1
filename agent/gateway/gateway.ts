/**
 * The model gateway: a proxy on loopback between coding agents and the providers of their models.
 *
 * Invariants:
 * 1. A key leaves this process in requests to its provider, and nowhere else: not in an answer, an
 *    error, a log line or a recording.
 * 2. Only a process with a pass gets through, and only to a path of {@linkcode PROVIDERS}.
 * 3. Redirects are not followed: the key would go to where they lead.
 * 4. What a request can use is counted before it is sent.
 * 5. When a pass is revoked, or a client leaves, what is under way for it ends at the provider, too.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { type Clock, systemClock } from "../clock.ts";
import { Charges, type ChargesOptions } from "./charges.ts";
import { Pace } from "./pace.ts";
import { Pass } from "./pass.ts";
import { type PassingRequest, passOn, reasonOf } from "./pass_on.ts";
import { isProviderName, type ProviderName, PROVIDERS, type Route } from "./providers.ts";
import { readBody } from "./read_body.ts";
import type { Recording } from "./recording.ts";
import { requestBound } from "./request_bound.ts";
import { sizeOfHeaders } from "./headers.ts";
import type { Upstream } from "./upstreams.ts";

/** Options of {@linkcode Gateway.start}. */
export interface GatewayOptions extends ChargesOptions {
  /** At most one of each provider. */
  readonly upstreams: readonly Upstream[];
  readonly clock?: Clock;
  /** Certificate authorities that are trusted besides the known ones, in PEM. */
  readonly caCerts?: readonly string[];
  /** How long a provider may take to begin an answer, and between its pieces; 10 minutes. */
  readonly idleMs?: number;
  /** How long a request may wait while its provider asks to; a minute, in milliseconds. */
  readonly maxWaitMs?: number;
  /** Where requests and answers are kept, if they are. */
  readonly recording?: Recording;
}

/** The largest body of a request, in bytes; providers take no more. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** The largest headers of a request, in bytes. */
const MAX_HEADER_BYTES = 32 * 1024;
/** The longest path and query of a request, in characters. */
const MAX_URL_CHARS = 4_096;
const IDLE_MS = 600_000;
/** Agents give up after some minutes without an answer. */
const MAX_WAIT_MS = 60_000;

const logger = getLogger(["ourocodus", "agent"]);

/** A provider that the gateway has the key of, and when that key may ask. */
interface Provided {
  readonly upstream: Upstream;
  readonly pace: Pace;
}

/** A request that may be passed on, as far as its address and its pass are concerned. */
interface Admitted extends Provided {
  readonly pass: Pass;
  readonly route: Route;
  /** Path and query below the provider's base URL. */
  readonly path: string;
}

/** A gateway that runs. Disposing of it ends it, and all that is under way. */
export class Gateway implements AsyncDisposable {
  readonly #options: GatewayOptions;
  readonly #passes = new Set<Pass>();
  readonly #charges: Charges;
  readonly #clock: Clock;
  readonly #provided: ReadonlyMap<ProviderName, Provided>;
  readonly #client: Deno.HttpClient;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Starts one on a free port of 127.0.0.1. */
  static start(options: GatewayOptions): Gateway {
    return new Gateway(options);
  }

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.#charges = new Charges(options);
    const { clock = systemClock, maxWaitMs = MAX_WAIT_MS } = options;
    this.#clock = clock;
    this.#provided = new Map(options.upstreams.map((upstream) => {
      return [upstream.provider, { upstream, pace: new Pace(clock, maxWaitMs) }];
    }));
    this.#client = Deno.createHttpClient({ caCerts: [...options.caCerts ?? []] });
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      // Its text may have been made of anything.
      onError: () => new Response(null, { status: 500 }),
    }, (request) => this.#handle(request));
  }

  /** Without a path. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Which providers it has a key for. */
  get providers(): readonly ProviderName[] {
    return [...this.#provided.keys()];
  }

  /** Makes a pass for one process; dispose of it when the process has ended. */
  admit(): Pass {
    const pass = new Pass(() => this.#passes.delete(pass));
    this.#passes.add(pass);
    return pass;
  }

  /** Revokes all passes, and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pass of this.#passes) pass[Symbol.dispose]();
    await this.#server.shutdown();
    this.#client.close();
  }

  async #handle(request: Request): Promise<Response> {
    const admitted = this.#admitted(request);
    if (admitted instanceof Response) return admitted;
    const { pass, route, upstream: { provider, key } } = admitted;
    try {
      const body = await readBody(request, MAX_BODY_BYTES);
      if (body === undefined) {
        return refusal(provider, 413, `The body is larger than ${MAX_BODY_BYTES} bytes`);
      }
      const bound = route.usage && requestBound(body);
      if (route.usage !== undefined && bound === undefined) {
        return refusal(provider, 400, "The body is no JSON object");
      }
      return await this.#pacedAnswer(admitted, { request, body, bound });
    } catch (error) {
      if (pass.signal.aborted) return refusal(provider, 401, "The pass was revoked");
      if (request.signal.aborted) return new Response(null, { status: 499 });
      const why = reasonOf(error).replaceAll(key, "[key]");
      logger.warn("The gateway cannot reach {provider}: {why}", { provider, why });
      return refusal(provider, 502, `The provider cannot be reached: ${why}`);
    }
  }

  /**
   * Sends a request when its key may ask, and once more when the provider has asked to wait.
   *
   * @param bound The most tokens that it can use; undefined if it costs none.
   */
  async #pacedAnswer(
    { pass, pace, upstream, route, path }: Admitted,
    { request, body, bound }: Pick<PassingRequest, "request" | "body"> & {
      readonly bound: number | undefined;
    },
  ): Promise<Response> {
    const { provider } = upstream;
    const { method } = request;
    const work = pass.assignment?.work;
    const record = this.#options.recording?.request({ work, provider, method, path, body });
    const signal = AbortSignal.any([pass.signal, request.signal]);
    const deadlineMs = pace.deadline();
    for (;;) {
      if (!await pace.pass(deadlineMs, signal)) {
        return refusal(provider, 429, "The provider has asked to wait", pace.leftMs);
      }
      const charge = bound === undefined
        ? undefined
        : await this.#charges.begin(pass, bound, signal);
      if (charge !== undefined && "status" in charge) {
        return refusal(provider, charge.status, charge.message);
      }
      const answer = await passOn({ request, body, path, upstream, route, charge, record }, {
        signal,
        client: this.#client,
        clock: this.#clock,
        idleMs: this.#options.idleMs ?? IDLE_MS,
      });
      if (!pace.heard(answer) || !pace.canPass(deadlineMs)) return answer;
      await answer.body?.cancel();
      const seconds = Math.ceil(pace.leftMs / 1_000);
      logger.info("{provider} has asked to wait for {seconds} s", { provider, seconds });
    }
  }

  /** Looks at everything but the body. @returns An answer if it may not pass. */
  #admitted(request: Request): Admitted | Response {
    const url = URL.parse(request.url);
    const [, provider = "", below = ""] = /^\/([a-z]+)(\/.*)$/.exec(url?.pathname ?? "") ?? [];
    if (url === null || !isProviderName(provider)) return new Response(null, { status: 404 });
    if (request.url.length > MAX_URL_CHARS) return refusal(provider, 414, "The URL is too long");
    if (sizeOfHeaders(request.headers) > MAX_HEADER_BYTES) {
      return refusal(provider, 431, `The headers are larger than ${MAX_HEADER_BYTES} bytes`);
    }
    const tokens = tokensOf(request, url);
    const pass = [...this.#passes].find((pass) => tokens.some((token) => pass.isFor(token)));
    if (pass === undefined) return refusal(provider, 401, "The token is wrong, or was revoked");
    const route = PROVIDERS[provider].routes.find(({ method, path }) =>
      method === request.method && path.test(below)
    );
    if (route === undefined) {
      return refusal(provider, 404, `The gateway passes no ${request.method} ${below} on`);
    }
    const provided = this.#provided.get(provider);
    if (provided === undefined) {
      return refusal(provider, 404, `The gateway has no key of ${provider}`);
    }
    url.searchParams.delete("key");
    return { ...provided, pass, route, path: `${below}${url.search}` };
  }
}

/** What a client shows as its key, in any of the places that APIs have for it. */
function tokensOf({ headers }: Request, url: URL): string[] {
  const [, bearer] = /^bearer (\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  const places = [bearer, headers.get("x-api-key"), headers.get("x-goog-api-key")];
  return [...places, url.searchParams.get("key")].filter((token) => typeof token === "string");
}

/** @param leftMs After which the client may ask again. */
function refusal(
  provider: ProviderName,
  status: number,
  message: string,
  leftMs?: number,
): Response {
  const after = leftMs && { "retry-after": String(Math.ceil(leftMs / 1_000)) };
  const headers = { ...after };
  return Response.json(PROVIDERS[provider].error(status, message), { status, headers });
}
