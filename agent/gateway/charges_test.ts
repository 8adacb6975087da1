import assert from "node:assert/strict";
import fc from "fast-check";
import { FakeProvider, messageAnswer } from "../testing/fake_provider.ts";
import { Gateway, type GatewayOptions } from "./gateway.ts";
import { Ledger, type UsedUp } from "./ledger.ts";
import type { Pass } from "./pass.ts";

interface Scene extends AsyncDisposable {
  readonly provider: FakeProvider;
  readonly ledger: Ledger;
  readonly gateway: Gateway;
  ask(pass: Pass, body: object): Promise<number>;
}

async function scene(options: Partial<GatewayOptions> = {}): Promise<Scene> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-charges-" });
  const provider = new FakeProvider();
  const ledger = Ledger.open(`${folder}/tokens.db`);
  const gateway = Gateway.start({ upstreams: [provider.upstream()], ledger, ...options });
  return {
    provider,
    ledger,
    gateway,
    async ask({ token }, body) {
      const response = await fetch(`${gateway.url}/anthropic/v1/messages`, {
        method: "POST",
        headers: { "x-api-key": token },
        body: JSON.stringify(body),
      });
      await response.body?.cancel();
      return response.status;
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
      ledger[Symbol.dispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Answers that a request has used as much as it asks for. */
function answering(provider: FakeProvider, sum: (tokens: number) => void): void {
  provider.answer = async (request) => {
    const { max_tokens } = await request.json();
    sum(max_tokens);
    return messageAnswer(0, max_tokens);
  };
}

Deno.test("a budget is exceeded by one request at most, however many come at once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ pass: fc.nat(2), tokens: fc.integer({ min: 1, max: 500 }) }), {
        minLength: 1,
        maxLength: 25,
      }),
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 1, max: 800 }),
      async (requests, budgetTokens, maxTokens) => {
        await using here = await scene({ budgetTokens });
        let all = 0;
        const used = [0, 0, 0];
        const passes = used.map((_, index) => {
          const pass = here.gateway.admit();
          pass.assign({ work: `w${index}`, maxTokens, onUsedUp: () => {} });
          return pass;
        });
        answering(here.provider, (tokens) => all += tokens);
        const statuses = await Promise.all(requests.map(async ({ pass: index, tokens }) => {
          const pass = passes[index];
          assert.ok(pass);
          const status = await here.ask(pass, { max_tokens: tokens });
          if (status === 200) used[index] = (used[index] ?? 0) + tokens;
          return status;
        }));
        const largest = Math.max(...requests.map(({ tokens }) => tokens));
        assert.ok(all < budgetTokens + largest, `${all} of ${budgetTokens}`);
        for (const sum of used) assert.ok(sum < maxTokens + largest, `${sum} of ${maxTokens}`);
        // Something is refused only if a limit is used up.
        const isUsedUp = all >= budgetTokens || used.some((sum) => sum >= maxTokens);
        if (!isUsedUp) assert.deepEqual([...new Set(statuses)], [200]);
        assert.equal(here.ledger.tokens, all);
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("a work item that has used up its limit is told so, and other work goes on", async () => {
  await using here = await scene();
  const told: UsedUp[] = [];
  const [one, other] = [here.gateway.admit(), here.gateway.admit()];
  one.assign({ work: "one", maxTokens: 15, onUsedUp: (limit) => told.push(limit) });
  other.assign({ work: "other", maxTokens: 15, onUsedUp: (limit) => told.push(limit) });
  assert.equal(await here.ask(one, {}), 200);
  assert.equal(await here.ask(one, {}), 402);
  assert.deepEqual(told, [{ kind: "used_up", scope: "work", tokens: 15, max: 15 }]);
  assert.equal(await here.ask(other, {}), 200);
  assert.equal(here.provider.requests.length, 2);
});

Deno.test("errors cost nothing, and answers that do not tell cost the most that they can", async () => {
  await using here = await scene();
  const pass = here.gateway.admit();
  here.provider.answer = () => new Response("{}", { status: 529 });
  assert.equal(await here.ask(pass, { max_tokens: 100 }), 529);
  assert.equal(here.ledger.tokens, 0);
  here.provider.answer = () => Response.json({ type: "message" });
  const body = { max_tokens: 100 };
  assert.equal(await here.ask(pass, body), 200);
  assert.equal(here.ledger.tokens, JSON.stringify(body).length + 100);
  assert.equal(pass.usage, undefined);
});

Deno.test("a provider that cannot be reached costs nothing", async () => {
  await using gone = new FakeProvider();
  const upstream = gone.upstream();
  await gone[Symbol.asyncDispose]();
  await using here = await scene({ upstreams: [upstream] });
  assert.equal(await here.ask(here.gateway.admit(), {}), 502);
  assert.equal(here.ledger.tokens, 0);
});

Deno.test("nothing is let through if nothing can be counted", async () => {
  const told: string[] = [];
  await using here = await scene({ onBroken: (why) => told.push(why) });
  here.ledger[Symbol.dispose]();
  assert.equal(await here.ask(here.gateway.admit(), {}), 503);
  assert.match(told[0] ?? "", /^Cannot count tokens in /);
  assert.equal(here.provider.requests.length, 0);
});

Deno.test("a request that waits for others ends when its client leaves", async () => {
  await using here = await scene({ budgetTokens: 200 });
  const pass = here.gateway.admit();
  const hold = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  here.provider.answer = async () => {
    begun.resolve();
    await hold.promise;
    return messageAnswer();
  };
  const first = here.ask(pass, { max_tokens: 500 });
  await begun.promise;
  const other = here.gateway.admit();
  const second = here.ask(other, { max_tokens: 500 });
  other[Symbol.dispose]();
  assert.equal(await second, 401);
  hold.resolve();
  assert.equal(await first, 200);
  assert.equal(here.provider.requests.length, 1);
});
