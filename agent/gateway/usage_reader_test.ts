import assert from "node:assert/strict";
import {
  chatUsage,
  geminiUsage,
  messagesUsage,
  type ReadUsage,
  responsesUsage,
} from "./api_usage.ts";
import { UsageReader } from "./usage_reader.ts";

const SSE = "text/event-stream; charset=utf-8";
const encoder = new TextEncoder();

function events(...all: readonly unknown[]): string {
  return all.map((data) =>
    `event: x\ndata: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`
  )
    .join("");
}

function read(api: ReadUsage, type: string, pieces: readonly Uint8Array[], isWhole = true) {
  const reader = new UsageReader(api, type);
  for (const piece of pieces) reader.add(piece);
  return reader.end(isWhole);
}

/** Reads it whole, and in two pieces that are split at every byte. */
function everyWay(api: ReadUsage, type: string, text: string): unknown {
  const bytes = encoder.encode(text);
  const whole = read(api, type, [bytes]);
  for (let at = 1; at < bytes.length; at++) {
    assert.deepEqual(read(api, type, [bytes.subarray(0, at), bytes.subarray(at)]), whole);
  }
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  assert.deepEqual(read(api, type, single), whole);
  return whole;
}

const MESSAGE_START = {
  type: "message_start",
  message: {
    usage: {
      input_tokens: 100,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 400,
      output_tokens: 1,
    },
  },
};
const MESSAGE_DELTA = { type: "message_delta", delta: {}, usage: { output_tokens: 7 } };
const TEXT = { type: "content_block_delta", delta: { text: "Grüße, 日本 🙂, usage" } };

Deno.test("Anthropic's tokens are read from JSON and from events, split anywhere", () => {
  const { usage } = MESSAGE_START.message;
  const json = JSON.stringify({
    type: "message",
    content: ["é🙂"],
    usage: { ...usage, output_tokens: 7 },
  });
  const want = { input: 520, output: 7, cached: 400 };
  assert.deepEqual(everyWay(messagesUsage, "application/json", json), want);
  const text = events(MESSAGE_START, TEXT, MESSAGE_DELTA, { type: "message_stop" });
  assert.deepEqual(everyWay(messagesUsage, SSE, text), want);
  assert.deepEqual(everyWay(messagesUsage, SSE, text.replaceAll("\n", "\r\n")), want);
});

Deno.test("the Responses API's tokens are read from JSON and from the last event", () => {
  const usage = {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 4 },
    output_tokens: 3,
  };
  const want = { input: 10, output: 3, cached: 4 };
  assert.deepEqual(everyWay(responsesUsage, "application/json", JSON.stringify({ usage })), want);
  const text = events(
    { type: "response.created", response: { usage: null } },
    { type: "response.output_text.delta", delta: "ü" },
    { type: "response.incomplete", response: { usage } },
  );
  assert.deepEqual(everyWay(responsesUsage, SSE, text), want);
});

Deno.test("Chat Completions' tokens are read from JSON and from the chunk that has them", () => {
  const usage = { prompt_tokens: 9, completion_tokens: 2 };
  const want = { input: 9, output: 2 };
  const json = JSON.stringify({ object: "chat.completion", choices: [{}], usage });
  assert.deepEqual(everyWay(chatUsage, "application/json", json), want);
  const chunk = { object: "chat.completion.chunk", choices: [{ delta: { content: "ß" } }] };
  const last = { object: "chat.completion.chunk", choices: [], usage };
  assert.deepEqual(everyWay(chatUsage, SSE, events(chunk, last, "[DONE]")), want);
  assert.equal(read(chatUsage, SSE, [encoder.encode(events(chunk, "[DONE]"))]), undefined);
});

Deno.test("Gemini's tokens are read from JSON, from an array, and from the last event", () => {
  const first = { usageMetadata: { promptTokenCount: 50, totalTokenCount: 50 } };
  const last = {
    candidates: [{ finishReason: "STOP", content: "ü" }],
    usageMetadata: {
      promptTokenCount: 50,
      toolUsePromptTokenCount: 5,
      cachedContentTokenCount: 30,
      candidatesTokenCount: 4,
      thoughtsTokenCount: 6,
      totalTokenCount: 65,
    },
  };
  const want = { input: 55, output: 10, cached: 30 };
  assert.deepEqual(everyWay(geminiUsage, "application/json", JSON.stringify(last)), want);
  assert.deepEqual(everyWay(geminiUsage, "application/json", JSON.stringify([first, last])), want);
  assert.deepEqual(everyWay(geminiUsage, SSE, events(first, last)), want);
});

Deno.test("tokens of an answer that is cut count only if no later event would change them", () => {
  const cut = (api: ReadUsage, ...all: unknown[]) =>
    read(api, SSE, [encoder.encode(events(...all))], false);
  assert.equal(cut(messagesUsage, MESSAGE_START, TEXT), undefined);
  assert.deepEqual(cut(messagesUsage, MESSAGE_START, MESSAGE_DELTA)?.output, 7);
  const soFar = {
    usage: { prompt_tokens: 9, completion_tokens: 2 },
    object: "chat.completion.chunk",
  };
  assert.equal(cut(chatUsage, { ...soFar, choices: [{ finish_reason: null }] }), undefined);
  assert.equal(
    cut(geminiUsage, { usageMetadata: { promptTokenCount: 5, totalTokenCount: 6 } }),
    undefined,
  );
});

Deno.test("what does not tell its tokens is unknown, never zero", () => {
  for (const api of [messagesUsage, responsesUsage, chatUsage, geminiUsage]) {
    for (const wrong of ["{}", "", "usage", '{"usage":{"input_tokens":-1,"output_tokens":"x"}}']) {
      assert.equal(read(api, "application/json", [encoder.encode(wrong)]), undefined, wrong);
      assert.equal(read(api, SSE, [encoder.encode(events(wrong))]), undefined, wrong);
    }
  }
});
