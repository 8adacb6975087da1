import assert from "node:assert/strict";
import { FlagError, parseFlags } from "./flags.ts";
import { pieces } from "./pieces.ts";
import { Random } from "./random.ts";
import { formatBalance, runChaos } from "./run.ts";
import { formatStep, makeSchedule, placeOf, type Step } from "./schedule.ts";
import { targets } from "./system.ts";

const TARGETS = targets(3);

Deno.test("the same seed breaks the same things at the same times, another one others", () => {
  const schedule = (seed: number) => makeSchedule(seed, 60_000, TARGETS).map(formatStep);
  assert.deepEqual(schedule(1), schedule(1));
  assert.notDeepEqual(schedule(1), schedule(2));
});

Deno.test("the same seed sends the same work", () => {
  const first = (seed: number) => pieces(seed).take(500).toArray();
  assert.deepEqual(first(3), first(3));
  assert.notDeepEqual(first(3), first(4));
  const ids = first(3).map(({ messageId }) => messageId);
  assert.ok(new Set(ids).size < ids.length, "nothing was sent again");
});

Deno.test("a longer run begins like a shorter one", () => {
  for (let seed = 0; seed < 50; seed++) {
    const short = makeSchedule(seed, 20_000, TARGETS);
    const long = makeSchedule(seed, 60_000, TARGETS).filter(({ atMs, lastsMs }) =>
      atMs < 20_000 && atMs + lastsMs <= 20_000
    );
    assert.deepEqual(short, long);
  }
});

Deno.test("what is broken is whole again before it is broken anew, and when the run ends", () => {
  for (let seed = 0; seed < 50; seed++) {
    const last = new Map<string, Step>();
    for (const step of makeSchedule(seed, 120_000, TARGETS)) {
      const key = `${placeOf(step.kind)} ${step.target}`;
      const before = last.get(key);
      assert.ok(before === undefined || before.atMs + before.lastsMs <= step.atMs);
      assert.ok(step.atMs + step.lastsMs <= 120_000);
      last.set(key, step);
    }
  }
});

Deno.test("an hour breaks everything that can be broken", () => {
  const kinds = new Set(makeSchedule(5, 3_600_000, TARGETS).map(({ kind }) => kind));
  assert.equal(kinds.size, 12);
});

Deno.test("in a cluster each nats-server is broken, in the end", () => {
  const steps = makeSchedule(5, 3_600_000, targets(3, 3));
  const broken = steps.filter(({ kind }) => kind.startsWith("nats")).map(({ target }) => target);
  assert.deepEqual(new Set(broken), new Set([0, 1, 2]));
});

Deno.test("what looks like chance is spread over all that is possible", () => {
  const random = new Random(9);
  const drawn = Array.from({ length: 10_000 }, () => random.whole(0, 9));
  for (let value = 0; value < 10; value++) {
    const count = drawn.filter((one) => one === value).length;
    assert.ok(count > 800 && count < 1_200, `${value} came ${count} times`);
  }
});

Deno.test("flags may be fractions where time is meant, and say what is allowed", () => {
  assert.equal(parseFlags(["--minutes", "0.2"]).minutes, 0.2);
  assert.equal(parseFlags(["--seed=7"]).seed, 7);
  assert.equal(parseFlags([], 0.5).seed, 2 ** 31);
  const wrong: [string[], RegExp][] = [
    [["--minutes", "soon"], /^--minutes is "soon", allowed is a number from 0\.05 to 1440$/],
    [["--minutes", "0"], /^--minutes is "0"/],
    [["--minutes", "-1"], /--minutes.*see --help$/],
    [["--seed", "1.5"], /^--seed is "1\.5", allowed is a whole number from 0 to 4294967295$/],
    [["--seed", "4294967296"], /^--seed is "4294967296"/],
    [["--servers", "6"], /^--servers is "6", allowed is a whole number from 1 to 5$/],
    [["--relays", "0"], /^--relays is "0", allowed is a whole number from 1 to 9$/],
    [["--minute", "1"], /^Unknown option '--minute', see --help$/],
    [["5"], /^Unexpected argument '5'.*see --help$/],
  ];
  for (const [args, message] of wrong) {
    assert.throws(() => parseFlags(args), (error) => {
      assert.ok(error instanceof FlagError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("20 seconds of chaos: every acknowledged work item has exactly one outcome", async () => {
  const said: string[] = [];
  const { balance, balanced, steps } = await runChaos({
    ...{ seed: 2026, durationMs: 20_000, relays: 3 },
    say: (line) => said.push(line),
  });
  assert.ok(balanced, `${said.join("\n")}\n${formatBalance(balance)}`);
  assert.ok(steps.length >= 5 && balance.acknowledged > 100, formatBalance(balance));
});
