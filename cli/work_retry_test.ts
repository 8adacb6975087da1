import assert from "node:assert/strict";
import { until } from "../tests/support/mod.ts";
import { type WorkScene, workScene } from "./testing/work_scene.ts";

const RETRY = ["work", "retry"];

/** Connects an agent that fails at work until it is told to do it, and says how often it got any. */
async function failing(there: WorkScene) {
  const agent = await there.agent({ agentId: "agent-1" });
  let taken = 0;
  return {
    agent,
    /** Answers the next work item. */
    answers: async (type: "error" | "result") => {
      agent.answer(await agent.gets(++taken), { message: `${type} ${taken}` }, type);
    },
  };
}

async function state(there: WorkScene, sequence: number): Promise<string> {
  const { stdout } = await there.cli("trace", "--sequence", `${sequence}`, "--json");
  return stdout === "" ? "" : JSON.parse(stdout).state;
}

Deno.test("failed work is sent again and followed, and trace of either shows the other", async () => {
  await using there = await workScene();
  const { cli, send } = there;
  const { answers } = await failing(there);
  await send("a");
  await answers("error");
  await until(async () => await state(there, 1) === "failed");
  assert.match((await cli("trace", "a")).stdout, /to send it again: .* work retry --sequence 1\n/);
  const dry = await cli(...RETRY, "a", "--dry-run");
  assert.deepEqual([dry.code, dry.stdout, dry.stderr], [
    0,
    "a would be sent again (session s, role r, sequence 1, failed)\n",
    "",
  ]);
  const waiting = there.start(...RETRY, "a", "--wait");
  await answers("result");
  assert.equal(await waiting.code, 0, waiting.err.text);
  assert.equal(waiting.out.text, "result 2\n", "standard output has the result alone");
  assert.match(
    waiting.err.text,
    /^✓ a sent again: sequence 2 \(session s, role r, sequence 1, failed\)\n✓ a: result after .*\n$/,
  );
  assert.match((await cli("trace", "a")).stdout, /\nit is a retry of sequence 1\n/);
  const old = (await cli("trace", "--sequence", "1")).stdout;
  assert.match(old, /\nit was sent again as sequence 2\n$/);
});

Deno.test("what is not sent again is told apart, with what to do; the rest is sent", async () => {
  await using there = await workScene();
  const { cli, send } = there;
  const { answers, agent } = await failing(there);
  await send("failed");
  await answers("error");
  await until(async () => await state(there, 1) === "failed");
  await send("running");
  await agent.gets(2);
  await until(async () => await state(there, 2) === "in_hand");
  await send("waiting", { role: "nobody" });
  const ids = ["running", "waiting", "none", "failed"];
  const all = await cli(...RETRY, ...ids);
  assert.equal(all.code, 1);
  assert.match(all.stdout, /^✓ failed sent again: sequence 4 \(/);
  const [running, waiting, none] = all.stderr.split("\n");
  assert.match(running ?? "", /^error: running is running, and not sent again\. Wait for it with /);
  assert.match(
    running ?? "",
    /first cancel it with "ourocodus work cancel --sequence 2" \(session s/,
  );
  assert.match(waiting ?? "", /^error: waiting is waiting, and not sent again/);
  assert.match(none ?? "", /^error: no work item with the id "none"/);
  const twice = await cli(...RETRY, "--sequence", "1");
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /^error: failed was sent again before, as sequence 4; --again sends/);
  const again = await cli(...RETRY, "--sequence", "1", "--again", "--json");
  assert.deepEqual([again.code, JSON.parse(again.stdout)], [0, {
    ...{ asked: "1", kind: "retried", work_sequence: 1, session_id: "s", role: "r" },
    ...{ id: "failed", state: "failed", retried_as: 5, duplicate: false },
  }]);
  await send("failed", { session: "t" });
  const json = await cli(...RETRY, "failed", "running", "none", "--json");
  const lines = json.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([json.code, json.stderr, lines.map(({ kind }) => kind)], [
    ...[1, "", ["ambiguous", "unfinished", "unknown"]],
  ]);
  const which = await cli(...RETRY, "failed");
  assert.match(which.stderr, /--sequence 6 {2}\(session t, role r, waiting\)\n {2}.*--sequence 5 /);
});

Deno.test("all that failed since then is sent again once, at most so much at a time", async () => {
  await using there = await workScene();
  const { cli, send } = there;
  const { answers } = await failing(there);
  for (const id of ["a", "b", "c"]) {
    await send(id);
    await answers("error");
  }
  await until(async () => await state(there, 3) === "failed");
  const failed = (...args: string[]) => cli(...RETRY, "--failed", "--since", "1h", ...args);
  const dry = await failed("-s", "s", "--dry-run", "-n", "2");
  assert.deepEqual([dry.code, dry.stdout.replaceAll(/ \(.*/g, "")], [
    0,
    "a would be sent again\nb would be sent again\n",
  ]);
  assert.equal(
    dry.stderr,
    "2 would be sent, and there is more: the limit is 2 at a time. The same command sends the " +
      "next ones\n",
  );
  const none = await failed("-s", "t");
  assert.deepEqual([none.code, none.stderr], [0, "no failed work to send again\n"]);
  const first = await failed("-n", "2", "--json");
  assert.deepEqual(first.stdout.trim().split("\n").map((line) => JSON.parse(line).retried_as), [
    ...[4, 5],
  ]);
  // Both ended again; what was sent again is left out, what came of it is not.
  await answers("error");
  await answers("result");
  await until(async () => await state(there, 5) === "done");
  const next = await failed("--wait", "--timeout", "100ms");
  assert.equal(next.code, 3, "nobody has answered");
  assert.match(next.stderr, /✓ c sent again: sequence 6 .*\n✓ a sent again: sequence 7 /);
  assert.match(
    next.stderr,
    /error: no further result within 100 ms: 2 missing, their work is stored/,
  );
  await answers("result");
  await answers("result");
  await until(async () => await state(there, 7) === "done");
  assert.match((await failed()).stderr, /^no failed work/);
});

Deno.test("a retry without agents says so", async () => {
  await using there = await workScene();
  await there.send("a");
  assert.equal((await there.cli("work", "cancel", "a")).code, 0);
  const { code, stdout, stderr } = await there.cli(...RETRY, "--cancelled", "--since", "1m");
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^✓ a sent again: sequence 2 \(session s, role r, sequence 1, cancelled\)\n$/,
  );
  assert.match(
    stderr,
    /^! no agent of role r is connected to session s: the work waits for one\n$/,
  );
});
