import { anthropic } from "./anthropic.ts";
import { type Counts, mannerOf, respond, stepText } from "./answer.ts";
import { chat } from "./chat.ts";
import type { Dialect, Json } from "./dialect.ts";
import { gemini } from "./gemini.ts";
import { replyTo } from "./reply.ts";
import { responses } from "./responses.ts";
import { type Place, placeOf } from "./script.ts";

/** A request that the double has had. */
export interface ModelRequest {
  /** ISO time. */
  readonly at: string;
  readonly path: string;
  /** `anthropic`, `responses`, `chat` or `gemini`; none for a path that is not known. */
  readonly api?: string;
  readonly model?: string;
  readonly stream?: boolean;
  /** Whether it is a step of a script; requests without tools are not. */
  readonly main?: boolean;
  /** What the client shows as its key. */
  readonly key?: string;
  /** The client's user agent. */
  readonly agent?: string | null;
  /** Names of the tools that the client offers. */
  readonly tools?: readonly string[];
  /** Tool results since the prompt. */
  readonly results?: number;
  /** Prompts of the conversation that have a script. */
  readonly scripts?: number;
  /** The step in the words of the script. */
  readonly step?: string;
  /** The beginning of the newest tool result, if that is what was said last. */
  readonly lastResult?: string;
  readonly status: number;
  /** How the stream ended early, if it did. */
  readonly ending?: "cut" | "hang";
  /** Whether the client has left before the end. */
  gone?: boolean;
}

/** Options of {@linkcode startModelDouble}. */
export interface ModelDoubleOptions {
  /** Its port; default a free one. */
  readonly port?: number;
  /** Hears of each request once it is known how it is answered. */
  readonly onRequest?: (request: ModelRequest) => void;
}

/** A model's test double that runs. Disposing of it ends it, and every stream that hangs. */
export interface ModelDouble extends AsyncDisposable {
  /** Without a path: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** What was asked until now. */
  requests(): readonly ModelRequest[];
  /** Forgets what was asked, and how often something has failed. */
  reset(): void;
}

/**
 * Starts the model's double on 127.0.0.1, in this process.
 *
 * @param options Its port, and who hears of requests.
 * @returns It, once it listens; dispose of it with `await using`.
 *
 * @example
 * ```ts
 * import { startModelDouble } from "./server.ts";
 *
 * await using double = await startModelDouble();
 * const response = await fetch(`${double.url}/v1/messages`, {
 *   method: "POST",
 *   body: JSON.stringify({
 *     tools: [{ name: "Bash" }],
 *     messages: [{ role: "user", content: 'SCRIPT: say "hello"' }],
 *   }),
 * });
 * console.log((await response.json()).content[0].text); // hello
 * ```
 */
export async function startModelDouble(options: ModelDoubleOptions = {}): Promise<ModelDouble> {
  const { port = 0, onRequest } = options;
  const counts: Counts = new Map();
  const requests: ModelRequest[] = [];
  const note = (request: ModelRequest) => {
    requests.push(request);
    onRequest?.(request);
    return request;
  };
  const reset = () => {
    requests.length = 0;
    counts.clear();
  };
  const stop = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port,
    signal: stop.signal,
    onListen: (address) => resolve(`http://127.0.0.1:${address.port}`),
  }, (request) => handle(request, { counts, requests, note, reset }));
  return {
    url: await promise,
    requests: () => requests,
    reset,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

interface State {
  readonly counts: Counts;
  readonly requests: readonly ModelRequest[];
  note(request: ModelRequest): ModelRequest;
  reset(): void;
}

/** The end of a path, and who answers there. */
const DIALECTS: ReadonlyArray<readonly [RegExp, Dialect]> = [
  [/\/messages$/, anthropic],
  [/\/responses$/, responses],
  [/\/chat\/completions$/, chat],
  [/:(generateContent|streamGenerateContent)$/, gemini],
];

async function handle(request: Request, state: State): Promise<Response> {
  const url = new URL(request.url);
  const { pathname } = url;
  if (pathname === "/mock/requests") return Response.json(state.requests);
  if (pathname === "/mock/reset") {
    state.reset();
    return new Response(null, { status: 204 });
  }
  if (pathname.endsWith("/models")) return Response.json(MODELS);
  if (request.method === "POST") {
    const dialect = DIALECTS.find(([end]) => end.test(pathname))?.[1];
    if (dialect !== undefined) return await answer(request, url, dialect, state);
    if (pathname.endsWith("/messages/count_tokens")) {
      return Response.json({ input_tokens: await tokensOf(request) });
    }
    if (pathname.endsWith(":countTokens")) {
      return Response.json({ totalTokens: await tokensOf(request) });
    }
  }
  state.note({ at: new Date().toISOString(), path: pathname, status: 404 });
  const error = { type: "not_found_error", message: `mock: no ${pathname}` };
  return Response.json({ error }, { status: 404 });
}

async function answer(
  request: Request,
  url: URL,
  dialect: Dialect,
  state: State,
): Promise<Response> {
  const asked = dialect.read(await request.json() as Json, url);
  const main = asked.tools.length > 0;
  const place = main ? placeOf(asked) : withoutTools();
  const manner = mannerOf(state.counts, dialect.name, place);
  const last = asked.said.at(-1);
  const noted = state.note({
    at: new Date().toISOString(),
    path: url.pathname,
    api: dialect.name,
    model: asked.model,
    stream: asked.stream,
    main,
    key: keyOf(request),
    agent: request.headers.get("user-agent"),
    tools: asked.tools.map(({ name }) => name),
    results: place.results,
    scripts: place.scripts,
    step: main ? stepText(place.step) : "(no tools)",
    lastResult: last?.kind === "result" ? last.text.slice(0, 300) : undefined,
    status: manner.failure?.status ?? 200,
    ending: manner.ending === "whole" ? undefined : manner.ending,
  });
  return await respond(dialect, asked, {
    manner,
    reply: () => replyTo(asked, place),
    onGone: () => noted.gone = true,
  });
}

function keyOf({ headers }: Request): string | undefined {
  const bearer = headers.get("authorization")?.replace(/^Bearer /i, "");
  return bearer ?? headers.get("x-api-key") ?? headers.get("x-goog-api-key") ?? undefined;
}

/** No step of a script: nothing changes the answer, and nothing is counted. */
function withoutTools(): Place {
  return { key: "", step: { verb: "say", args: [], before: [] }, results: 0, scripts: 0 };
}

async function tokensOf(request: Request): Promise<number> {
  return Math.ceil((await request.text()).length / 4);
}

const MODELS: Json = {
  object: "list",
  data: [{
    id: "mock-model",
    type: "model",
    object: "model",
    display_name: "mock-model",
    created_at: "2026-01-01T00:00:00Z",
    owned_by: "mock",
  }],
  models: [],
  has_more: false,
  first_id: "mock-model",
  last_id: "mock-model",
};
