import assert from "node:assert/strict";
import { FakeCodingScene } from "../testing/fake_coding_scene.ts";
import { FakeProvider, PROVIDER_KEY } from "../testing/fake_provider.ts";
import type { CodingOptions } from "./options.ts";

const ASK = 'curl -s -o /dev/null -H "x-api-key: $ANTHROPIC_API_KEY" -d "{}" ' +
  '"$ANTHROPIC_BASE_URL/v1/messages"';

/** The fake agent asks its model only if a command of it does. */
function asks(times: number): string {
  return Array.from({ length: times }, () => `run ${JSON.stringify(ASK)}`).join("; ");
}

function gated({ url }: FakeProvider, gateway: CodingOptions["gateway"]): Partial<CodingOptions> {
  return {
    gateway,
    env: [["ANTHROPIC_API_KEY", PROVIDER_KEY], ["ANTHROPIC_BASE_URL", url]],
  };
}

Deno.test("a result has the tokens that the gateway has counted, if the agent tells none", async () => {
  await using provider = new FakeProvider();
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({
    ...gated(provider, {}),
    check: { command: `test -z "$ANTHROPIC_API_KEY"` },
  });
  const env = "env ANTHROPIC_API_KEY; end";
  const { result, error } = await scene.work(agent, `${asks(3)}; say done`).outcome;
  assert.equal(error, undefined);
  assert.deepEqual(result.usage, { input_tokens: 30, output_tokens: 15 });
  const key = await scene.work(agent, env, { sequence: 2 }).outcome;
  assert.match(key.result.text, /^ourocodus-/);
  assert.deepEqual([...new Set(provider.requests.map(({ headers }) => headers.get("x-api-key")))], [
    PROVIDER_KEY,
  ]);
});

Deno.test("work ends when it has used up its tokens, and the next work goes on", async () => {
  await using provider = new FakeProvider();
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({ ...gated(provider, {}), limits: { maxTokens: 40 } });
  const { error } = await scene.work(agent, `${asks(9)}; say no`).outcome;
  assert.deepEqual([error.code, error.details.limit], ["limit_exceeded", "max_tokens"]);
  assert.ok(provider.requests.length <= 3);
  assert.equal(agent.suspension.reason, undefined);
  const next = await scene.work(agent, `${asks(1)}; say done`, { sequence: 2 }).outcome;
  assert.equal(next.result?.text, "done");
});

Deno.test("an agent whose gateway has used up its budget takes no more work until it has more", async () => {
  await using provider = new FakeProvider();
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent(gated(provider, { budgetTokens: 40 }));
  const { error } = await scene.work(agent, `${asks(9)}; say no`).outcome;
  assert.deepEqual([error.code, error.details.limit, error.details.max], [
    ...["limit_exceeded", "gateway_budget", 40],
  ]);
  assert.equal(provider.requests.length, 3);
  const text = "the gateway's budget is used up: 45 tokens, limit is 40";
  assert.equal(agent.suspension.reason, text);
  assert.equal(await agent.check(), `${text}; give a higher --gateway-budget`);
  const again = scene.agent(gated(provider, { budgetTokens: 40 }));
  await again.start();
  assert.match(again.suspension.reason ?? "", /^the gateway's budget is used up/);
  assert.equal(await scene.agent(gated(provider, { budgetTokens: 46 })).check(), undefined);
});
