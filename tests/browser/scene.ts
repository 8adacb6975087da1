/**
 * A system with a bit of everything in it, for looking at the monitor.
 *
 * @module
 */
import { connect } from "@ourocodus/bus";
import { sendWork, traceWork } from "@ourocodus/ops";
import { buildMonitor, monitorIsStale } from "../../web/build.ts";
import {
  type ApiProcess,
  type RelayProcess,
  SocketAgent,
  startApi,
  startNats,
  startRelay,
  type TestNats,
  until,
} from "../support/mod.ts";

/** What runs. */
export interface Scene extends AsyncDisposable {
  readonly nats: TestNats;
  readonly relay: RelayProcess;
  readonly api: ApiProcess;
  /** Sends work. @returns Its sequence. */
  send(session: string, role: string, id: string, payload: object): Promise<number>;
  /** Connects an agent that does this with its work. */
  agent(
    session: string,
    role: string,
    agentId: string,
    answer?: (text: string) => { readonly type?: string; readonly payload: object } | undefined,
  ): Promise<SocketAgent>;
  /** Waits until work with this id is in a state. */
  is(id: string, state: string): Promise<void>;
}

/** Starts nats-server, a relay and the API with the monitor. */
export async function startScene(): Promise<Scene> {
  if (await monitorIsStale()) await buildMonitor();
  const stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const relay = stack.use(await startRelay({ natsUrl: nats.url, env: { MAX_DELIVER: "2" } }));
  const api = stack.use(await startApi({ natsUrl: nats.url }));
  const connection = stack.use(await connect({ url: nats.url }));
  return {
    nats,
    relay,
    api,
    async send(session, role, id, payload) {
      return (await sendWork(connection, { session, role, id, payload })).sequence;
    },
    async agent(session, role, agentId, answer) {
      return stack.use(
        await SocketAgent.connect({
          ...{ relayUrl: relay.url, session, role, agentId, concurrency: 4 },
          onWork: (work, agent) => {
            const said = answer?.(String(work.payload.message ?? ""));
            if (said !== undefined) agent.answer(work, said.payload, said.type);
          },
        }),
      );
    },
    async is(id, state) {
      await until(async () => (await traceWork(connection, { id }))[0]?.state === state, {
        message: `${id} to be ${state}`,
      });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const CODER_TEXT = `Tax is rounded once, at the end, not on every line.

- \`lineTax\` returns the exact value
- \`totalTax\` rounds the sum

diff --git a/src/tax.ts b/src/tax.ts
index 3b18e51..a0f1c2d 100644
--- a/src/tax.ts
+++ b/src/tax.ts
@@ -4,4 +4,5 @@ export function lineTax(line: Line): number {
   const { net, rate } = line;
-  return Math.round(net * rate);
+  // Rounded once, in totalTax.
+  return net * rate;
 }
 
`;

/** Fills it: sessions, roles, results, failures, dead letters, work that waits and that runs. */
export async function fill(scene: Scene): Promise<void> {
  await scene.agent("docs", "writer", "writer-1", (text) => ({
    payload: { output: `# ${text}\n\nA paragraph about it.\n\n- one\n- two`, exit_code: 0 },
  }));
  await scene.agent("docs", "writer", "writer-2", () => ({ payload: { output: "ok" } }));
  await scene.agent(
    "docs",
    "reviewer",
    "reviewer-eu-west",
    (text) =>
      text.includes("fail")
        ? {
          type: "error",
          payload: { code: "exit", message: "command ended with 2", exit_code: 2 },
        }
        : { payload: { verdict: "accepted", remarks: [] } },
  );
  await scene.agent("shop", "coder", "coder-1", () => ({
    payload: {
      text: CODER_TEXT,
      branch: "ourocodus/shop/coder/30",
      commit: "4f1d2c9a7d0cb7e3",
      files: [
        { path: "src/tax.ts", status: "modified", added: 2, removed: 1 },
        { path: "src/tax_test.ts", status: "added", added: 14, removed: 0 },
      ],
      usage: { input_tokens: 18_204, output_tokens: 911, cost: { amount: 0.21, currency: "USD" } },
    },
  }));
  await scene.agent("nightly-build", "compiler", "arm64-builder-17", () => ({
    type: "retry",
    payload: { message: "the cache was locked" },
  }));
  const slow = await scene.agent("research", "analyst", "analyst-1");
  for (let number = 1; number <= 24; number++) {
    await scene.send("docs", "writer", `page-${number}`, { message: `Chapter ${number}` });
  }
  for (const id of ["review-1", "review-2"]) {
    await scene.send("docs", "reviewer", id, { message: "look at this" });
  }
  await scene.send("docs", "reviewer", "review-3", { message: "fail, please" });
  await scene.send("nightly-build", "compiler", "build-2026-11-24", {
    message: "make release",
    commit: "4f1d2c9",
    targets: ["linux", "darwin"],
  });
  await scene.send("research", "analyst", "summarise-papers", { message: "Read all of them" });
  const work = await slow.gets(1);
  for (const percent of [10, 35, 60]) {
    slow.answer(work, { message: `read ${percent} % of the papers`, percent }, "progress");
  }
  await scene.send("shop", "coder", "fix-tax-line", {
    message: "Fix the rounding of the tax line",
  });
  for (const id of ["plan-a", "plan-b", "plan-c"]) {
    await scene.send("research", "planner", id, { message: "Nobody is there to do this" });
  }
  await scene.is("build-2026-11-24", "dead");
  await scene.is("page-24", "done");
  await scene.is("fix-tax-line", "done");
  await scene.is("summarise-papers", "in_hand");
}
