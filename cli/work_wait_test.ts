import assert from "node:assert/strict";
import { until } from "../tests/support/mod.ts";
import { workScene } from "./testing/work_scene.ts";

const WAIT = ["work", "wait"];

Deno.test("outcomes that come, and those that are there, are printed, of several roles", async () => {
  await using there = await workScene();
  const { send, cli, agent } = there;
  const one = await agent({ agentId: "one" });
  const other = await agent({ agentId: "other", role: "other" });
  await send("early");
  one.answer(await one.gets(1), { said: "early" });
  const early = await cli(...WAIT, "early");
  assert.deepEqual([early.code, early.stdout], [0, '{\n  "said": "early"\n}\n']);
  assert.match(early.stderr, /^✓ early: result after .*\n$/);
  await send("late");
  await send("elsewhere", { role: "other" });
  const [late, elsewhere] = [await one.gets(2), await other.gets(1)];
  const waiting = there.start(...WAIT, "late", "early", "elsewhere", "late", "--json");
  await until(() => waiting.out.text.includes("early"));
  other.answer(elsewhere, { said: "elsewhere" });
  await until(() => waiting.out.text.includes("elsewhere"));
  one.answer(late, { said: "late" });
  assert.deepEqual([await waiting.code, waiting.err.text], [0, ""]);
  const lines = waiting.out.text.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ message }) => message.payload.said), [
    "early",
    "elsewhere",
    "late",
  ]);
});

Deno.test("waiting ends with 1 for what failed, was cancelled or is unknown", async () => {
  await using there = await workScene();
  const { send, cli } = there;
  await send("cancelled");
  const waiting = there.start(...WAIT, "cancelled");
  await until(async () => (await cli("work", "cancel", "cancelled")).code === 0);
  assert.deepEqual([await waiting.code, waiting.out.text], [1, ""]);
  assert.match(
    waiting.err.text,
    /^✗ cancelled: error after .*: the work was cancelled \(cancelled\)\n$/,
  );
  const sequence = await send("failed");
  const agent = await there.agent({ agentId: "r-agent" });
  agent.answer(await agent.gets(1), { message: "no" }, "error");
  const failed = await cli(...WAIT, "--sequence", `${sequence}`);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /^✗ failed: error after .*: no\n$/);
  const unknown = await cli(...WAIT, "nothing", "failed");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^error: no work item with the id "nothing"/);
  assert.match(unknown.stderr, /✗ failed: error after .*: no/);
});

Deno.test("waiting that takes too long ends with 3, and says of which work and where to look", async () => {
  await using there = await workScene();
  await there.send("slow");
  const { code, stdout, stderr } = await there.cli(...WAIT, "slow", "--timeout", "200ms");
  assert.deepEqual([code, stdout, stderr], [
    3,
    "",
    "error: slow has no result within 200ms (session s, role r, sequence 1); " +
    '"ourocodus trace --sequence 1" tells where it is\n',
  ]);
  const tooLong = await there.cli(...WAIT, "slow", "--timeout", "25d");
  assert.deepEqual([tooLong.code, tooLong.stderr], [
    2,
    'error: --timeout is "25d", allowed is 1ms to 24d\n',
  ]);
});

Deno.test("work list tells what is waiting and what is running, a page at a time", async () => {
  await using there = await workScene();
  const { send } = there;
  const list = (...args: string[]) => there.cli("work", "list", ...args);
  const none = await list("--session", "s");
  assert.deepEqual([none.code, none.stdout], [0, "No work of session s is waiting or running\n"]);
  const agent = await there.agent({ agentId: "r-agent" });
  await send("a");
  await agent.gets(1);
  await send("b");
  await send("c", { role: "other" });
  const all = await list("--session", "s");
  assert.equal(all.code, 0, all.stderr);
  const [head, ...rows] = all.stdout.trim().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(head, ["SEQUENCE", "STORED", "ROLE", "ID", "STATE"]);
  assert.deepEqual(rows.map(([sequence, , role, id]) => [sequence, role, id]), [
    ["1", "r", "a"],
    ["2", "r", "b"],
    ["3", "other", "c"],
  ]);
  assert.match(rows[0]?.[4] ?? "", /^running: agent r-agent, attempt 1, for /);
  assert.deepEqual(rows.slice(1).map((row) => row[4]), ["waiting", "waiting"]);
  const page = await list("--session", "s", "--role", "r", "--limit", "1");
  assert.match(page.stdout, /^1 .*\nand more: add --after 1\n$/m);
  const next = await list("--session", "s", "--after", "1", "--limit", "1", "--json");
  const { id, state, payload } = JSON.parse(next.stdout);
  assert.deepEqual([id, state, payload.n], ["b", "waiting", "b"]);
  assert.equal((await list()).code, 2);
});
