/**
 * An API with a relay, whose agents answer by what is asked of them.
 *
 * @module
 */
import { SocketAgent, startRelay } from "../../tests/support/mod.ts";
import { startTestApi, type TestApi } from "./test_api.ts";

/** An API, and agents for it; dispose of it. */
export interface Scene extends AsyncDisposable {
  readonly api: TestApi;
  /** Connects an agent that answers by what is asked of it in the payload. */
  agent(id: string, options?: { readonly session?: string }): Promise<SocketAgent>;
}

/** Starts it; work has one attempt. */
export async function scene(): Promise<Scene> {
  const api = await startTestApi();
  const relay = await startRelay({ natsUrl: api.natsUrl, env: { MAX_DELIVER: "1" } });
  return {
    api,
    agent: (agentId, { session = "docs" } = {}) =>
      SocketAgent.connect({
        ...{ relayUrl: relay.url, session, role: "writer", agentId, concurrency: 8 },
        onWork: (work, agent) => {
          const { answer } = work.payload;
          if (answer === "never") return;
          agent.answer(work, { said: work.payload.message }, String(answer ?? "result"));
        },
      }),
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}
