import assert from "node:assert/strict";
import { WorkError } from "../../errors.ts";
import { Limits } from "./limits.ts";

const OWN = { maxDurationMs: 60_000, maxCost: 2, maxTokens: 1_000, maxTurns: 10 };
const NOTHING = { durationMs: 0, usage: {}, turns: 0 };

Deno.test("limits of the payload lower those of the agent, one by one", () => {
  assert.deepEqual(Limits.of(OWN, undefined).limits, OWN);
  assert.deepEqual(Limits.of(OWN, { max_cost: 1, max_duration: "30s" }).limits, {
    ...OWN,
    maxCost: 1,
    maxDurationMs: 30_000,
  });
  assert.deepEqual(Limits.of({}, { max_duration_ms: 5, max_turns: 1 }).limits, {
    maxDurationMs: 5,
    maxTurns: 1,
  });
  assert.deepEqual(Limits.of(OWN, { max_cost: 2 }).limits, OWN);
});

Deno.test("limits of the payload that raise or are none name the value and what is allowed", () => {
  const cases: Array<[unknown, string]> = [
    [7, "limits: it is 7, allowed is an object with max_duration_ms, max_duration, max_cost"],
    [[], "limits: it is [], allowed is an object"],
    [{ maxCost: 1 }, 'limits: it is "maxCost", allowed is max_duration_ms,'],
    [{ max_cost: 3 }, "limits.max_cost: it is 3, allowed is at most 2: it can only be lowered"],
    [{ max_cost: 0 }, "limits.max_cost: it is 0, allowed is a number above 0"],
    [{ max_cost: "1" }, 'limits.max_cost: it is "1", allowed is a number above 0'],
    [{ max_cost: null }, "limits.max_cost: it is null, allowed is"],
    [{ max_tokens: 1.5 }, "limits.max_tokens: it is 1.5, allowed is a whole number from 1"],
    [{ max_tokens: 2_000 }, "limits.max_tokens: it is 2000, allowed is at most 1000"],
    [{ max_turns: -1 }, "limits.max_turns: it is -1, allowed is a whole number from 1"],
    [{ max_duration: "soon" }, 'limits.max_duration: it is "soon", allowed is a duration like 30s'],
    [{ max_duration: 30 }, "limits.max_duration: it is 30, allowed is a duration like 30s"],
    [{ max_duration: "100d" }, 'limits.max_duration: it is "100d", allowed is a duration like'],
    [{ max_duration: "2m" }, "limits.max_duration_ms: it is 120000, allowed is at most 60000"],
    [{ max_duration_ms: "5" }, 'limits.max_duration_ms: it is "5", allowed is milliseconds'],
    [{ max_duration_ms: 0 }, "limits.max_duration_ms: it is 0, allowed is milliseconds"],
    [{ max_duration_ms: 5, max_duration: "5s" }, "allowed is only one of max_duration and"],
  ];
  for (const [asked, message] of cases) {
    assert.throws(() => Limits.of(OWN, asked), (error) => {
      assert.ok(error instanceof WorkError);
      assert.equal(error.code, "invalid_limits");
      assert.ok(error.message.includes(message), error.message);
      return true;
    });
  }
});

Deno.test("a limit that is over has a name, its value and what it is", () => {
  const limits = Limits.of(OWN, undefined);
  assert.equal(limits.exceeded(NOTHING), undefined);
  const usage = { input_tokens: 600, output_tokens: 400, cost: { amount: 2, currency: "USD" } };
  assert.equal(limits.exceeded({ durationMs: 59_999, usage, turns: 10 }), undefined);
  assert.deepEqual(limits.exceeded({ ...NOTHING, durationMs: 60_000 }), {
    limit: "max_duration_ms",
    value: 60_000,
    max: 60_000,
    message: "it took 60 s, limit is 60 s",
  });
  const cost = { amount: 2.5, currency: "USD" };
  assert.equal(
    limits.exceeded({ ...NOTHING, usage: { cost } })?.message,
    "it cost 2.5 USD, limit is 2 USD",
  );
  const tokens = { input_tokens: 600, output_tokens: 401 };
  assert.equal(limits.exceeded({ ...NOTHING, usage: tokens })?.limit, "max_tokens");
  assert.equal(limits.exceeded({ ...NOTHING, turns: 11 })?.limit, "max_turns");
});

Deno.test("a limit on what an agent does not report is told", () => {
  const limits = Limits.of(OWN, undefined);
  assert.equal(
    limits.unreported({ input_tokens: 1, output_tokens: 1 }),
    "The limit max_cost holds nothing: the agent does not report it",
  );
  assert.match(limits.unreported({}) ?? "", /^The limit max_cost and max_tokens holds nothing/);
  const cost = { amount: 1, currency: "USD" };
  assert.equal(limits.unreported({ input_tokens: 1, output_tokens: 1, cost }), undefined);
  assert.equal(Limits.of({}, undefined).unreported({}), undefined);
});
