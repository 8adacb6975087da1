/**
 * An API in this process, on a nats-server of its own, each of whose answers is compared with
 * /openapi.json.
 *
 * @module
 */
import { type NatsOptions, startNats, type TestNats } from "../../tests/support/mod.ts";
import { ensureMonitor } from "@ourocodus/system";
import { apiSettings } from "../settings.ts";
import { type RunningApi, startApi } from "../start.ts";
import { ApiContract } from "./api_contract.ts";

/** What differs from an API with the default settings on a nats-server of its own. */
export interface TestApiOptions {
  /** A server of somebody else's, which is left running. */
  readonly natsUrl?: string;
  /** How its own server is. */
  readonly nats?: NatsOptions;
  /** Settings, by the names of their environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Nothing was started there: what its user has started is not its business. */
const NO_HOME = "/nonexistent";

/** An answer that agrees with /openapi.json. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text as JSON; `undefined` if it is none. */
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

/** An API with a nats-server of its own. */
export class TestApi implements AsyncDisposable {
  readonly api: RunningApi;
  /** Without a slash at the end. */
  readonly url: string;
  readonly natsUrl: string;
  /** Its own server. */
  readonly nats: TestNats | undefined;
  readonly contract: ApiContract;

  /** Use {@linkcode startTestApi}. */
  constructor(
    api: RunningApi,
    { natsUrl, nats, contract }: Pick<TestApi, "natsUrl" | "nats" | "contract">,
  ) {
    this.api = api;
    this.url = `http://127.0.0.1:${api.port}`;
    this.natsUrl = natsUrl;
    this.nats = nats;
    this.contract = contract;
  }

  /**
   * Asks.
   *
   * @param path With a slash at its start, and its query.
   * @throws {assert.AssertionError} If the answer is not as it is documented.
   */
  async fetch(path: string, init: RequestInit = {}): Promise<ApiAnswer> {
    const response = await fetch(`${this.url}${path}`, init);
    const text = await response.text();
    const { status, headers } = response;
    const { pathname } = new URL(`${this.url}${path}`);
    this.contract.check(init.method ?? "GET", pathname, { status, headers, text });
    const isJson = /json\b/.test(headers.get("content-type") ?? "") && text !== "";
    return { status, headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  /** Sends JSON with `POST`. */
  async post(
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiAnswer> {
    if (body === undefined) return await this.fetch(path, { method: "POST", headers });
    return await this.fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.stop();
    await this.nats?.[Symbol.asyncDispose]();
  }
}

/** Starts one. */
export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const nats = options.natsUrl === undefined ? await startNats(options.nats) : undefined;
  const natsUrl = options.natsUrl ?? nats?.url ?? "";
  const env: Readonly<Record<string, string>> = {
    ...{ NATS_URL: natsUrl, PORT: "0", OUROCODUS_HOME: NO_HOME },
    ...options.env,
  };
  try {
    // On a fresh clone there is none, and the API says so with 503.
    await ensureMonitor();
    const api = await startApi(apiSettings({ get: (name) => env[name] }));
    const contract = await ApiContract.read(`http://127.0.0.1:${api.port}`);
    return new TestApi(api, { natsUrl, nats, contract });
  } catch (error) {
    await nats?.[Symbol.asyncDispose]();
    throw error;
  }
}
