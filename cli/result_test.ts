import assert from "node:assert/strict";
import { MemoryOutput } from "./testing/memory_console.ts";
import { cli as run } from "./testing/memory_console.ts";
import { workScene } from "./testing/work_scene.ts";
import { BusClient, SocketAgent, startNats, startRelay, until } from "../tests/support/mod.ts";

const DIFF = "Done:\n\n--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n- fast\n";
const CHANGE = {
  text: DIFF,
  branch: "ourocodus/s/r/1",
  commit: "4f1d2c9a7d0c",
  files: [{ path: "a", added: 3, removed: 1 }, { path: "b", added: null, removed: null }],
  usage: { input_tokens: 1_000, output_tokens: 234 },
};

Deno.test("result prints the text alone, and what was changed on standard error", async () => {
  await using there = await workScene();
  const { cli } = there;
  const agent = await there.agent({ agentId: "one" });
  const sequence = await there.send("a");
  const work = await agent.gets(1);
  const early = await cli("result", "a");
  assert.deepEqual([early.code, early.stdout], [3, ""]);
  assert.match(
    early.stderr,
    /^error: a has no result yet: (it runs at agent one, attempt 1|it waits)/,
  );
  assert.match(early.stderr, /"ourocodus work wait --sequence 1" waits for it\n$/);
  agent.answer(work, CHANGE);
  assert.equal((await cli("work", "wait", "a")).code, 0);
  for (const asked of [["a"], [`${sequence}`], ["--sequence", `${sequence}`, "-s", "s"]]) {
    const { code, stdout, stderr } = await cli("result", ...asked);
    assert.deepEqual([code, stdout], [0, DIFF]);
    assert.match(
      stderr,
      /^✓ a: result after [\d.]+ m?s · ourocodus\/s\/r\/1 \(4f1d2c9\) · 2 files \+3 −1 · 1,234 tokens · work diff 1\n$/,
    );
  }
  const json = JSON.parse((await cli("result", "a", "--json")).stdout);
  assert.deepEqual([json.work, json.message.payload.branch], [1, CHANGE.branch]);
});

Deno.test("result says where work is that nobody has, and what nobody knows", async () => {
  await using there = await workScene();
  await there.send("a");
  const waiting = await there.cli("result", "a");
  assert.equal(waiting.code, 3);
  assert.match(
    waiting.stderr,
    /^error: a has no result yet: it waits in the queue, no agent .* \(session s, role r, sequence 1\); "ourocodus work wait --sequence 1" waits for it\n$/,
  );
  const unknown = await there.cli("result", "b", "-s", "s");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^error: no work item with the id "b" in session s/);
  const digits = await there.cli("result", "42");
  assert.match(
    digits.stderr,
    /^error: no work item with the sequence or the id "42": .* \(any more\)\n$/,
  );
  assert.equal((await there.cli("result", "--sequence", "x")).code, 2);
});

Deno.test("digits that are a sequence and another's id are not guessed at", async () => {
  await using there = await workScene();
  await there.send("a");
  await there.send("1");
  const { code, stderr } = await there.cli("result", "1");
  assert.deepEqual([code, stderr], [
    2,
    "error: 1 is the sequence of one work item and the id of another; say which: " +
    "--sequence 1 or --sequence 2\n",
  ]);
});

Deno.test("an error is message and code, then what helps, exit code 1", async () => {
  await using there = await workScene();
  const agent = await there.agent({ agentId: "one" });
  await there.send("a");
  const stderr = Array.from({ length: 30 }, (_, n) => `line ${n}\x1b[2J`).join("\n");
  const payload = { message: "it ended with 2\x1b]0;t\x07", code: "exit", exit_code: 2, stderr };
  agent.answer(await agent.gets(1), payload, "error");
  const waited = await there.cli("work", "wait", "a");
  assert.deepEqual([waited.code, waited.stdout], [1, ""]);
  const lines = waited.stderr.split("\n");
  assert.match(lines[0] ?? "", /^✗ a: error after .*: it ended with 2 \(exit\)$/);
  assert.deepEqual(lines.slice(1, 5), [
    "  exit_code: 2",
    "  stderr:",
    "    … 10 more lines before these",
    "    line 10",
  ]);
  assert.equal(lines.length, 25);
  assert.deepEqual([(await there.cli("result", "a")).code], [1]);
});

Deno.test("on a terminal a diff is coloured, an agent's colours end, and nothing else passes", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using _agent = await SocketAgent.connect({
    ...{ relayUrl: relay.url, session: "s", role: "r" },
    onWork: (work, agent) => agent.answer(work, { output: String(work.payload.message) }),
  });
  const shown = async (message: string, hasColor: boolean) => {
    const out = new MemoryOutput({ isTerminal: hasColor, hasColor });
    const args = ["send", "work", "-s", "s", "-r", "r", "-w", "-m", message];
    const { code } = await run(args, { natsUrl: nats.url, out });
    assert.equal(code, 0);
    return out.text;
  };
  assert.equal(
    await shown(DIFF, true),
    "Done:\n\n\x1b[1m--- a\x1b[0m\n\x1b[1m+++ b\x1b[0m\n\x1b[36m@@ -1 +1 @@\x1b[0m\n" +
      "\x1b[31m-x\x1b[0m\n\x1b[32m+y\x1b[0m\n- fast\n",
  );
  assert.equal(await shown(DIFF, false), DIFF);
  const hostile = "\x1b[31mred\x1b]0;title\x07\x1b[2J\x1b]8;;evil:\x1b\\x\x9b1m\r\u202e\x1b[8mno";
  assert.equal(await shown(hostile, true), "\x1b[31mredx\\u009b1m\\r\\u202eno\x1b[0m\n");
  assert.equal(await shown(hostile, false), "redx\\u009b1m\\r\\u202eno\n");
  assert.equal(await shown(`${DIFF}\x1b[31m`, true), `${DIFF}\x1b[31m\x1b[0m\n`);
});

Deno.test("trace is short; --full has all progress, and payloads in full", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using bus = await BusClient.connect(nats.url);
  await using agent = await SocketAgent.connect({
    ...{ relayUrl: relay.url, session: "s", role: "r", agentId: "one" },
  });
  await run(["send", "work", "-s", "s", "-r", "r", "-m", "y".repeat(900), "--id", "a"], {
    natsUrl: nats.url,
  });
  const work = await agent.gets(1);
  for (let n = 1; n <= 12; n++) {
    agent.answer(
      work,
      { message: `step ${n}`, updates: [{ kind: "text", text: "z" }] },
      "progress",
    );
  }
  await until(async () => (await bus.events("s", "progress")).length === 12);
  agent.answer(work, { text: `first ${"x".repeat(600)}\nlast`, n: 1 });
  const trace = async (...flags: string[]) =>
    (await run(["trace", "a", ...flags], { natsUrl: nats.url })).stdout;
  await until(async () => (await trace()).startsWith("a  done"));
  const short = await trace();
  assert.match(short, /progress +7 times, the first here; --full shows all\n/);
  assert.deepEqual(short.match(/step \d+/g), [8, 9, 10, 11, 12].map((n) => `step ${n}`));
  assert.doesNotMatch(short, /updates|last|x{500}|y{500}/);
  const full = await trace("--full");
  assert.equal(full.match(/"step \d+"/g)?.length, 12);
  assert.match(full, /y{900}/);
  assert.match(full, /\nresult\n {2}first x{600}\n {2}last\n\npayload\n {2}\{\n/);
});
