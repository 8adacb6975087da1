import assert from "node:assert/strict";
import type { SessionUpdate } from "@agentclientprotocol/sdk/unstable";
import { FakeClock } from "../../testing/fake_clock.ts";
import { MAX_ANSWER_CHARACTERS } from "./answer_text.ts";
import type { CodingProgress } from "./progress.ts";
import { TurnRecord } from "./turn_record.ts";

function record(options: { thoughts?: boolean; usageOfLastStep?: boolean } = {}) {
  const clock = new FakeClock();
  const told: CodingProgress[] = [];
  const finished: string[] = [];
  const turn = new TurnRecord((progress) => told.push(progress), {
    root: "/srv/tree",
    clock,
    toolFinished: ({ id, status }) => finished.push(`${id} ${status}`),
    ...options,
  });
  turn.promptSent();
  return { clock, told, finished, turn };
}

function said(text: string, messageId?: string): SessionUpdate {
  return { sessionUpdate: "agent_message_chunk", content: { type: "text", text }, messageId };
}

function call(toolCallId: string, more: object = {}): SessionUpdate {
  return { sessionUpdate: "tool_call", toolCallId, title: toolCallId, ...more };
}

function more(toolCallId: string, update: object): SessionUpdate {
  return { sessionUpdate: "tool_call_update", toolCallId, ...update };
}

Deno.test("the answer is the last message after the last tool call", () => {
  const { turn } = record();
  for (const text of ["I ", "look"]) turn.update(said(text, "m1"));
  turn.update(call("t1"));
  turn.update(said("now ", "m2"));
  turn.update(more("t1", { status: "completed" }));
  turn.update(said("done", "m2"));
  assert.equal(turn.text, "now done");
  assert.ok(turn.isAnswered);
});

Deno.test("the answer of an agent without message ids begins anew after a tool call", () => {
  const { turn } = record();
  turn.update(said("I look"));
  turn.update(call("t1", { status: "completed" }));
  turn.update(said("do"));
  turn.update(said("ne"));
  assert.equal(turn.text, "done");
});

Deno.test("a cut stream that begins again with a new message id leaves nothing of the old", () => {
  const { turn } = record();
  turn.update(said("The answer i", "m1"));
  turn.update(said("The answer is 42", "m2"));
  assert.equal(turn.text, "The answer is 42");
});

Deno.test("a cut stream that begins again with the same message id leaves nothing of the old", async () => {
  const { turn, clock } = record();
  for (let attempt = 0; attempt < 3; attempt++) {
    for (const piece of ["The answer i", "s forty two "]) turn.update(said(piece, "m1"));
    await clock.advance(2_500);
  }
  for (const piece of ["The answer i", "s forty two ", "and more"]) turn.update(said(piece, "m1"));
  assert.equal(turn.text, "The answer is forty two and more");
});

Deno.test("a pause alone does not begin the answer again, nor does a repetition alone", async () => {
  const { turn, clock } = record();
  turn.update(said("The first. ", "m1"));
  await clock.advance(5_000);
  turn.update(said("The second.", "m1"));
  assert.equal(turn.text, "The first. The second.");
  turn.update(said("ha ", "m2"));
  turn.update(said("ha ", "m2"));
  assert.equal(turn.text, "ha ha");
});

Deno.test("an agent that says nothing after its last tool call has not answered", () => {
  const { turn } = record();
  turn.update(said("I run it", "m1"));
  turn.update(call("t1", { status: "failed" }));
  assert.equal(turn.isAnswered, false);
  assert.equal(turn.text, "I run it");
  turn.update(said(" \n", "m2"));
  assert.equal(turn.isAnswered, false);
});

Deno.test("a second prompt's answer replaces the first's", () => {
  const { turn } = record();
  turn.update(said("first"));
  turn.promptSent();
  assert.equal(turn.isAnswered, false);
  assert.equal(turn.text, "first");
  turn.update(said("second"));
  assert.equal(turn.text, "second");
});

Deno.test("an answer without end is cut, and says so", () => {
  const { turn } = record();
  for (let piece = 0; piece < 300; piece++) turn.update(said("x".repeat(10_000), "m"));
  assert.ok(turn.text.length < MAX_ANSWER_CHARACTERS + 200);
  assert.match(
    turn.text,
    /\[1951424 more characters are left out: an answer is at most 1048576\]$/,
  );
});

Deno.test("tools are counted by kind, once each, also if the kind comes late", () => {
  const { turn, finished, told } = record();
  turn.update(call("a", { kind: "edit", locations: [] }));
  turn.update(more("a", { title: "Edit x", locations: [{ path: "/srv/tree/src/x.ts" }] }));
  turn.update(more("a", { status: "completed" }));
  turn.update(more("a", { status: "completed" }));
  turn.update(call("b"));
  turn.update(more("b", { kind: "execute", status: "failed" }));
  turn.update(more("c", {
    kind: "edit",
    status: "completed",
    content: [{ type: "diff", path: "/etc/passwd", newText: "" }],
  }));
  turn.update(call("d", { kind: "teleport" }));
  assert.deepEqual(turn.tools, { edit: 2, execute: 1, other: 1 });
  assert.equal(turn.toolsOfPrompt, 4);
  assert.deepEqual(finished, ["a completed", "b failed", "c completed"]);
  assert.deepEqual(told.findLast((one) => one.type === "tool" && one.id === "a"), {
    type: "tool",
    id: "a",
    title: "Edit x",
    kind: "edit",
    status: "completed",
    paths: ["src/x.ts"],
  });
  assert.deepEqual(turn.tool("c")?.paths, ["/etc/passwd"]);
  assert.equal(told.filter((one) => one.type === "tool" && one.id === "a").length, 3);
});

Deno.test("memory is bounded by tools without end, and the counts stay true", () => {
  const { turn } = record();
  for (let at = 0; at < 5_000; at++) {
    turn.update(call(`t${at}`, { kind: "read", status: "completed", title: "x".repeat(10_000) }));
  }
  assert.deepEqual(turn.tools, { read: 5_000 });
  assert.equal(turn.tool("t0"), undefined);
  assert.equal(turn.tool("t4999")?.title.length, 500);
});

Deno.test("thoughts are progress only if asked for, and never part of the answer", () => {
  const thought: SessionUpdate = {
    sessionUpdate: "agent_thought_chunk",
    content: { type: "text", text: "hm" },
  };
  const quiet = record();
  quiet.turn.update(thought);
  assert.deepEqual(quiet.told, []);
  const { turn, told } = record({ thoughts: true });
  turn.update(thought);
  assert.deepEqual(told, [{ type: "thought", text: "hm" }]);
  assert.equal(turn.text, "");
});

Deno.test("the plan is the latest, and is cut", () => {
  const { turn } = record();
  const entry = { content: "x".repeat(10_000), status: "pending", priority: "low" } as const;
  turn.update({ sessionUpdate: "plan", entries: Array(1_000).fill(entry) });
  assert.equal(turn.plan?.length, 100);
  assert.equal(turn.plan?.[0]?.content.length, 500);
  turn.update({ sessionUpdate: "plan", entries: [] });
  assert.deepEqual(turn.plan, []);
});

Deno.test("usage sums the prompts of a work item, cost is the session's latest", () => {
  const { turn } = record();
  const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15, cachedReadTokens: 0 };
  turn.promptEnded({ usage });
  turn.update({
    sessionUpdate: "usage_update",
    used: 5,
    size: 9,
    cost: { amount: 0.5, currency: "USD" },
  });
  turn.promptSent();
  turn.promptEnded({ usage: { ...usage, cachedReadTokens: 7, totalTokens: 22 } });
  assert.deepEqual(turn.usage, {
    input_tokens: 27,
    output_tokens: 10,
    cached_tokens: 7,
    cost: { amount: 0.5, currency: "USD" },
  });
});

Deno.test("cached tokens that are part of the input are not counted twice", () => {
  const { turn } = record();
  const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15, cachedReadTokens: 8 };
  turn.promptEnded({ usage });
  assert.deepEqual(turn.usage, { input_tokens: 10, output_tokens: 5, cached_tokens: 8 });
});

Deno.test("usage of gemini is in the quota, and its model is the one with a name", () => {
  const { turn } = record();
  turn.promptEnded({
    meta: {
      quota: {
        token_count: { input_tokens: 41_010, output_tokens: 69 },
        model_usage: [
          { model: "gemini-3.1-pro", token_count: { input_tokens: 8_202, output_tokens: 13 } },
          { model: "auto", token_count: { input_tokens: 32_808, output_tokens: 56 } },
        ],
      },
    },
  });
  assert.deepEqual(turn.usage, { input_tokens: 41_010, output_tokens: 69 });
  assert.equal(turn.model, "gemini-3.1-pro");
});

Deno.test("usage of the last request alone is left out once there were tools", () => {
  const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 };
  const { turn } = record({ usageOfLastStep: true });
  turn.promptEnded({ usage });
  assert.deepEqual(turn.usage, { input_tokens: 10, output_tokens: 5 });
  turn.promptSent();
  turn.update(call("t"));
  turn.promptEnded({ usage });
  assert.deepEqual(turn.usage, {});
});

Deno.test("unknown usage is left out, never zero", () => {
  for (
    const end of [
      {},
      { usage: null },
      { usage: { inputTokens: 0, outputTokens: 0, totalTokens: 0 } },
      { usage: { inputTokens: -1, outputTokens: NaN, totalTokens: 0 } },
      { meta: { quota: { token_count: null, model_usage: [null, 7, {}] } } },
    ]
  ) {
    const { turn } = record();
    turn.promptEnded(end);
    assert.deepEqual(turn.usage, {});
    assert.equal(turn.model, undefined);
  }
});

Deno.test("a warning of an adapter is a notice, the same twice in a row once", () => {
  const { turn, told } = record();
  const failure = (severity: string, title: string): SessionUpdate => ({
    sessionUpdate: "session_info_update",
    _meta: { jetbrains: { air: { sessionFailure: { category: "limit", severity, title } } } },
  });
  turn.update(failure("warning", "Reconnecting... 1/5"));
  turn.update(failure("warning", "Reconnecting... 1/5"));
  assert.ok(turn.failure === undefined);
  turn.update(failure("error", "exceeded retry limit"));
  assert.deepEqual(turn.failure, {
    category: "limit",
    severity: "error",
    title: "exceeded retry limit",
    actions: [],
  });
  assert.deepEqual(told.map((one) => one.type === "notice" && one.text), [
    "Reconnecting... 1/5",
    "exceeded retry limit",
  ]);
  turn.promptSent();
  assert.equal(turn.failure, undefined);
});

Deno.test("updates of any shape do no harm", () => {
  const { turn } = record({ thoughts: true });
  const updates: unknown[] = [
    { sessionUpdate: "agent_message_chunk", content: { type: "image" } },
    { sessionUpdate: "agent_message_chunk", content: { type: "text", text: 7 } },
    { sessionUpdate: "agent_thought_chunk", content: { type: "text" } },
    { sessionUpdate: "tool_call", toolCallId: 7 },
    { sessionUpdate: "tool_call", toolCallId: "a", locations: 7, content: "x", title: 7 },
    { sessionUpdate: "tool_call_update", toolCallId: "a", status: "flying", locations: [{}] },
    { sessionUpdate: "plan", entries: [null, 7, {}] },
    { sessionUpdate: "plan" },
    { sessionUpdate: "plan_update", plan: {} },
    { sessionUpdate: "usage_update", used: "x", cost: { amount: -1, currency: "USD" } },
    { sessionUpdate: "usage_update", cost: { amount: 1, currency: "dollars" } },
    { sessionUpdate: "of tomorrow" },
    { sessionUpdate: "session_info_update", _meta: { jetbrains: { air: 7 } } },
  ];
  for (const update of updates) turn.update(update as SessionUpdate);
  assert.equal(turn.text, "");
  assert.deepEqual(turn.usage, {});
  assert.deepEqual(turn.tools, { other: 1 });
});
