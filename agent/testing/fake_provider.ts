import type { ProviderName, Upstream } from "../gateway/mod.ts";

/** A request that a {@linkcode FakeProvider} has had. */
export interface ProviderRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** The key that a fake provider is asked with. */
export const PROVIDER_KEY = "sk-real-key-of-the-provider";

/** A server on loopback in the place of a provider, for tests: it answers as it is told. */
export class FakeProvider implements AsyncDisposable {
  readonly requests: ProviderRequest[] = [];
  /** Makes the answer to each request. */
  answer: (request: Request) => Response | Promise<Response>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: FakeProvider["answer"] = () => messageAnswer()) {
    this.answer = answer;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { pathname, search } = new URL(request.url);
        const { method, headers } = request;
        this.requests.push({
          method,
          path: `${pathname}${search}`,
          headers,
          body: await request.clone().text(),
        });
        return await this.answer(request);
      },
    );
  }

  /** Without a path. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** It as a provider of the gateway. */
  upstream(provider: ProviderName = "anthropic"): Upstream {
    const header = { header: "x-api-key" };
    return { provider, baseUrl: this.url, key: PROVIDER_KEY, header };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** An answer of Anthropic's Messages. */
export function messageAnswer(input = 10, output = 5): Response {
  return Response.json({
    type: "message",
    content: [],
    usage: { input_tokens: input, output_tokens: output },
  });
}
