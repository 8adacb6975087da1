import assert from "node:assert/strict";
import { until } from "../tests/support/mod.ts";
import { workScene } from "./testing/work_scene.ts";

const CANCEL = ["work", "cancel"];

Deno.test("waiting work that is cancelled is told to have waited, and then to be cancelled already", async () => {
  await using there = await workScene();
  for (const id of ["a", "b"]) await there.send(id);
  const done = await there.cli(...CANCEL, "a", "b", "--session", "s", "--reason", "not needed");
  assert.deepEqual([done.code, done.stderr, done.stdout], [
    0,
    "",
    "✓ a cancelled: it was waiting, and is removed from the queue (session s, role r, sequence 1)\n" +
    "✓ b cancelled: it was waiting, and is removed from the queue (session s, role r, sequence 2)\n",
  ]);
  const again = await there.cli(...CANCEL, "a");
  assert.deepEqual([again.code, again.stderr], [
    1,
    "error: a was cancelled already; nothing was cancelled (session s, role r, sequence 1)\n",
  ]);
  const trace = await there.cli("trace", "a");
  assert.match(trace.stdout, /^a {2}cancelled\n[^]*cancelled +not needed/);
  const events = await there.cli("tail", "events", "--no-follow");
  assert.match(events.stdout, /work\.cancelled +#1 a role=r reason="not needed"\n/);
  const results = await there.cli("tail", "results", "--session", "s", "--no-follow");
  assert.match(results.stdout, /✗ r #1 a .* not needed \(cancelled\)/);
});

Deno.test("the receipt names the agent that had it, and whether it is told to stop", async () => {
  await using there = await workScene();
  const { send } = there;
  const cancel = (...args: string[]) => there.cli(...CANCEL, ...args);
  const agent = await there.agent({ agentId: "v1-agent", v1: true });
  const sequence = await send("a");
  await agent.gets(1);
  const told = await cancel("--sequence", `${sequence}`);
  assert.equal(told.code, 0, told.stderr);
  assert.match(
    told.stdout,
    /^✓ a cancelled: it was running at agent v1-agent \(relay relay-\w+\), attempt 1, which is told to stop \(/,
  );
  await agent.hears("relay.cancel");
  await agent.close();
  const plain = await there.agent({ agentId: "plain-agent", v1: false });
  await send("b");
  await plain.gets(1);
  const json = await cancel("b", "--json");
  assert.equal(json.code, 0, json.stderr);
  const { holder: { relay_id, ...holder }, ...receipt } = JSON.parse(json.stdout);
  assert.match(relay_id, /^relay-/);
  assert.deepEqual([receipt, holder], [
    {
      ...{ asked: "b", kind: "cancelled", work_sequence: 2, session_id: "s", role: "r" },
      ...{ id: "b", was: "in_hand" },
    },
    { agent_id: "plain-agent", attempt: 1, told: false, away: false },
  ]);
});

Deno.test("anyone who waits for the result of work that is cancelled is told, and fails", async () => {
  await using there = await workScene();
  const waiting = there.cli(
    ...["send", "work", "--session", "s", "--role", "r", "--id", "a", "--message", "x", "--wait"],
  );
  await until(async () => (await there.cli(...CANCEL, "a", "--reason", "not needed")).code === 0);
  const { code, stdout, stderr } = await waiting;
  assert.equal(code, 1);
  assert.match(stdout + stderr, /not needed/);
});

Deno.test("what cannot be cancelled is told apart: finished, ambiguous, unknown", async () => {
  await using there = await workScene();
  const { send } = there;
  const cancel = (...args: string[]) => there.cli(...CANCEL, ...args);
  const agent = await there.agent({ agentId: "agent-1", v1: true });
  await send("done");
  agent.answer(await agent.gets(1), { fine: true });
  const finished = await until(async () => {
    const { code, stderr } = await cancel("done", "--session", "s");
    return code === 1 && stderr;
  });
  assert.match(finished, /^error: done is done already: it has a result; nothing was cancelled/);
  await agent.close();
  const one = await send("same");
  const other = await send("same", { session: "t" });
  const both = await cancel("same");
  assert.equal(both.code, 1);
  assert.equal(both.stdout, "");
  assert.match(both.stderr, /^error: 2 work items with the id same have no outcome yet;/);
  for (const [sequence, session] of [[one, "s"], [other, "t"]] as const) {
    assert.match(both.stderr, new RegExp(`--sequence ${sequence} +\\(session ${session}, role r`));
  }
  const unknown = await cancel("nothing", "same", "--session", "t");
  assert.equal(unknown.code, 1, "one of two failed");
  assert.match(
    unknown.stderr,
    /^error: no work item with the id "nothing" in session t/,
  );
  assert.match(unknown.stdout, /^✓ same cancelled/);
  const json = await cancel("nothing", "same", "done", "--json");
  const kinds = json.stdout.trim().split("\n").map((line) => JSON.parse(line).kind);
  assert.deepEqual([json.code, json.stderr, kinds], [1, "", ["unknown", "cancelled", "finished"]]);
});
