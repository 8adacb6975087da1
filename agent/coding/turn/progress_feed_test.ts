import assert from "node:assert/strict";
import { FakeClock } from "../../testing/fake_clock.ts";
import { type CodingProgress, progressLine, type ProgressPayload } from "./progress.ts";
import { ProgressFeed } from "./progress_feed.ts";

function feed(maxBytes?: number) {
  const clock = new FakeClock();
  const sent: ProgressPayload[] = [];
  const progress = new ProgressFeed({ clock, send: (payload) => sent.push(payload), maxBytes });
  return { clock, sent, progress };
}

function tool(id: string, status: "pending" | "completed"): CodingProgress {
  return { type: "tool", id, title: `Edit ${id}`, kind: "edit", status, paths: [id] };
}

Deno.test("progress within 300 ms is one payload, pieces of one message one text", async () => {
  const { clock, sent, progress } = feed();
  progress.put({ type: "text", text: "Hel", message_id: "m1" });
  progress.put({ type: "text", text: "lo", message_id: "m1" });
  progress.put({ type: "text", text: "next", message_id: "m2" });
  await clock.advance(299);
  assert.deepEqual(sent, []);
  await clock.advance(1);
  assert.deepEqual(sent, [{
    updates: [
      { type: "text", text: "Hello", message_id: "m1" },
      { type: "text", text: "next", message_id: "m2" },
    ],
    message: "next",
  }]);
  await clock.advance(10_000);
  assert.equal(sent.length, 1);
});

Deno.test("progress keeps the order of text and tools, and only the latest state of a tool", async () => {
  const { clock, sent, progress } = feed();
  progress.put({ type: "text", text: "a" });
  progress.put(tool("x.ts", "pending"));
  progress.put({ type: "text", text: "b" });
  progress.put(tool("x.ts", "completed"));
  await clock.advance(300);
  assert.deepEqual(sent[0]?.updates, [
    { type: "text", text: "a" },
    tool("x.ts", "completed"),
    { type: "text", text: "b" },
  ]);
  assert.equal(sent[0]?.message, "Edit x.ts (completed)");
});

Deno.test("progress sends the latest plan and usage alone", async () => {
  const { clock, sent, progress } = feed();
  progress.put({ type: "usage", context_tokens: 1 });
  progress.put({ type: "plan", entries: [] });
  progress.put({ type: "usage", context_tokens: 2 });
  progress.put({ type: "plan", entries: [{ content: "a", status: "completed" }] });
  await clock.advance(300);
  assert.deepEqual(sent[0]?.updates, [
    { type: "usage", context_tokens: 2 },
    { type: "plan", entries: [{ content: "a", status: "completed" }] },
  ]);
  assert.equal(sent[0]?.message, "Plan: 1 of 1 done");
});

Deno.test("progress that waits is sent by flush, once", async () => {
  const { clock, sent, progress } = feed();
  progress.put({ type: "notice", text: "The check failed" });
  progress.flush();
  progress.flush();
  await clock.advance(1_000);
  assert.deepEqual(sent.map(({ message }) => message), ["The check failed"]);
  assert.equal(clock.pending, 0);
});

Deno.test("progress of a work item stays within its limit, and says so once", () => {
  const { sent, progress } = feed(100_000);
  for (let round = 0; round < 500; round++) {
    progress.put({ type: "text", text: `${round} ${"é".repeat(5_000)}` });
    if (round % 100 === 0) progress.put({ type: "notice", text: `notice ${round}` });
  }
  for (let round = 0; round < 10_000; round++) progress.put({ type: "notice", text: "again" });
  progress.flush();
  const bytes = sent.reduce((sum, payload) => sum + size(payload), 0);
  assert.ok(bytes <= 100_000, `${bytes}`);
  assert.equal(sent.filter(({ message }) => message.startsWith("Progress is over")).length, 1);
  assert.ok(sent.some(({ message }) => message === "notice 400"));
});

Deno.test("progress that comes too fast is sent in payloads that a relay takes", () => {
  const { sent, progress } = feed(2 ** 30);
  const given = `x${"😀".repeat(2_000_000)}`;
  progress.put({ type: "text", text: given });
  progress.flush();
  assert.ok(sent.every((payload) => size(payload) < 100_000));
  const text = sent.flatMap(({ updates }) => updates).map((update) =>
    update.type === "text" ? update.text : ""
  );
  assert.ok(text.join("") === given);
});

Deno.test("progress says in one short line what is most important", () => {
  const denied: CodingProgress = {
    type: "permission",
    tool: "1",
    kind: "execute",
    title: "rm -rf /",
    answer: "deny",
    rule: "edits",
    why: "no rule allows it",
  };
  assert.equal(progressLine([denied, { type: "text", text: "words" }]), "Denied: rm -rf /");
  assert.equal(progressLine([{ type: "text", text: "one\ntwo\n\n" }]), "two");
  assert.equal(progressLine([{ type: "notice", text: "a\u001b[31m\nb" }]), "a [31m b");
  assert.equal(progressLine([{ type: "notice", text: "x".repeat(1_000) }]).length, 200);
  const cost = { amount: 0.123, currency: "USD" };
  assert.equal(progressLine([{ type: "usage", cost }]), "Cost so far: 0.12 USD");
  assert.equal(progressLine([]), "");
});

function size(payload: ProgressPayload): number {
  return new TextEncoder().encode(JSON.stringify(payload)).length;
}
