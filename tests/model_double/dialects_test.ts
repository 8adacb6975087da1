/** One suite for all dialects: each says how a client asks, and how it reads an answer. */
import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import type { Json } from "./dialect.ts";
import { type ModelDouble, startModelDouble } from "./mod.ts";

/** What a client gets, the same for all dialects. */
interface Got {
  readonly text: string;
  readonly call?: { readonly name: string; readonly args: unknown };
  readonly stop: unknown;
  readonly tokens: unknown;
}

interface Client {
  readonly api: string;
  readonly path: (stream: boolean) => string;
  /** A request's body: a prompt, one tool, and so many results of it. */
  readonly body: (prompt: string, results: number, stream: boolean) => Json;
  // deno-lint-ignore no-explicit-any
  readonly whole: (answer: any) => Got;
  // deno-lint-ignore no-explicit-any
  readonly streamed: (events: any[]) => Got;
  readonly stops: { readonly end: string; readonly max_tokens: string; readonly refusal: string };
  /** The usage of `tokens 10 5 3`. */
  readonly tokens: readonly number[];
}

const SCHEMA = { type: "object", properties: { command: { type: "string" } } };

/** The list with an item so many times. */
function times(count: number, item: (at: number) => Json[]): Json[] {
  return Array.from({ length: count }, (_, at) => item(at)).flat();
}

const CLIENTS: readonly Client[] = [
  {
    api: "anthropic",
    path: () => "/v1/messages",
    body: (prompt, results, stream) => ({
      model: "m",
      stream,
      system: "Working directory: /w",
      tools: [{ name: "Bash", input_schema: SCHEMA }],
      messages: [
        { role: "user", content: [{ type: "text", text: prompt }] },
        ...times(results, (at) => [
          { role: "assistant", content: [{ type: "tool_use", id: `${at}`, name: "Bash" }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: `${at}`, content: "r" }] },
        ]),
      ],
    }),
    whole: ({ content, stop_reason, usage }) => ({
      text: content.map((block: Json) => block.text ?? "").join(""),
      call: content.filter(({ type }: Json) => type === "tool_use")
        .map(({ name, input }: Json) => ({ name, args: input }))[0],
      stop: stop_reason,
      tokens: [usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens],
    }),
    streamed: (events) => {
      const deltas = events.flatMap(({ delta }) => delta ?? []);
      const json = deltas.map(({ partial_json }) => partial_json ?? "").join("");
      const begun = events.find(({ content_block }) => content_block?.type === "tool_use");
      const { delta, usage } = events.findLast(({ type }) => type === "message_delta");
      assert.equal(events.at(-1).type, "message_stop");
      return {
        text: deltas.map(({ text }) => text ?? "").join(""),
        call: begun && { name: begun.content_block.name, args: JSON.parse(json) },
        stop: delta.stop_reason,
        tokens: [usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens],
      };
    },
    stops: { end: "end_turn", max_tokens: "max_tokens", refusal: "refusal" },
    tokens: [7, 5, 3],
  },
  {
    api: "responses",
    path: () => "/v1/responses",
    body: (prompt, results, stream) => ({
      model: "m",
      stream,
      instructions: "",
      tools: [{ type: "function", name: "shell", parameters: SCHEMA }, { type: "web_search" }],
      input: [
        { role: "user", content: [{ type: "input_text", text: prompt }] },
        ...times(results, () => [
          { type: "function_call", name: "shell" },
          { type: "function_call_output", output: "r" },
        ]),
      ],
    }),
    whole: responseOf,
    streamed: (events) => {
      const { response, type } = events.at(-1);
      const got = responseOf(response);
      assert.equal(type, `response.${response.status}`);
      assert.deepEqual(events.map(({ sequence_number }) => sequence_number), [...events.keys()]);
      const deltas = events.filter(({ type }) => type === "response.output_text.delta");
      assert.equal(deltas.map(({ delta }) => delta).join(""), got.text);
      return got;
    },
    stops: { end: "completed", max_tokens: "max_output_tokens", refusal: "content_filter" },
    tokens: [10, 5, 3],
  },
  {
    api: "chat",
    path: () => "/v1/chat/completions",
    body: (prompt, results, stream) => ({
      model: "m",
      stream,
      tools: [{ type: "function", function: { name: "bash", parameters: SCHEMA } }],
      messages: [
        { role: "system", content: "s" },
        { role: "user", content: prompt },
        ...times(results, () => [{ role: "assistant" }, { role: "tool", content: "r" }]),
      ],
    }),
    whole: ({ choices: [{ message, finish_reason }], usage }) => ({
      text: message.content ?? "",
      call: message.tool_calls && {
        name: message.tool_calls[0].function.name,
        args: JSON.parse(message.tool_calls[0].function.arguments),
      },
      stop: finish_reason,
      tokens: chatTokens(usage),
    }),
    streamed: (events) => {
      assert.equal(events.at(-1), "[DONE]");
      const chunks = events.slice(0, -1);
      const deltas = chunks.map(({ choices }) => choices[0].delta);
      const calls = deltas.flatMap(({ tool_calls }) => tool_calls ?? []);
      const last = chunks.at(-1);
      return {
        text: deltas.map(({ content }) => content ?? "").join(""),
        call: calls[0] && {
          name: calls[0].function.name,
          args: JSON.parse(calls.map((call) => call.function.arguments).join("")),
        },
        stop: last.choices[0].finish_reason,
        tokens: chatTokens(last.usage),
      };
    },
    stops: { end: "stop", max_tokens: "length", refusal: "content_filter" },
    tokens: [10, 5, 3],
  },
  {
    api: "gemini",
    path: (stream) => `/v1beta/models/m:${stream ? "streamGenerateContent" : "generateContent"}`,
    body: (prompt, results) => ({
      systemInstruction: { parts: [{ text: "s" }] },
      tools: [{
        functionDeclarations: [{ name: "run_shell_command", parametersJsonSchema: SCHEMA }],
      }],
      contents: [
        { role: "user", parts: [{ text: prompt }] },
        ...times(results, () => [
          { role: "model", parts: [{ functionCall: {} }] },
          { role: "user", parts: [{ functionResponse: { response: "r" } }] },
        ]),
      ],
    }),
    whole: (answer) => geminiOf([answer]),
    streamed: geminiOf,
    stops: { end: "STOP", max_tokens: "MAX_TOKENS", refusal: "SAFETY" },
    tokens: [10, 5, 3],
  },
];

// deno-lint-ignore no-explicit-any
function responseOf({ output, incomplete_details, status, usage }: any): Got {
  const call = output.find(({ type }: Json) => type === "function_call");
  return {
    // deno-lint-ignore no-explicit-any
    text: output.flatMap(({ content }: any) => content ?? []).map(({ text }: Json) => text).join(
      "",
    ),
    call: call && { name: call.name, args: JSON.parse(call.arguments) },
    stop: incomplete_details?.reason ?? status,
    tokens: [usage.input_tokens, usage.output_tokens, usage.input_tokens_details.cached_tokens],
  };
}

// deno-lint-ignore no-explicit-any
function chatTokens(usage: any): number[] {
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = usage;
  return [prompt_tokens, completion_tokens, prompt_tokens_details.cached_tokens];
}

// deno-lint-ignore no-explicit-any
function geminiOf(answers: any[]): Got {
  const candidates = answers.map(({ candidates }) => candidates[0]);
  const parts = candidates.flatMap(({ content }) => content.parts);
  const call = parts.find(({ functionCall }) => functionCall)?.functionCall;
  const usage = answers.at(-1).usageMetadata;
  return {
    text: parts.map(({ text, thought }) => thought ? "" : text ?? "").join(""),
    call: call && { name: call.name, args: call.args },
    stop: candidates.at(-1).finishReason,
    tokens: [
      usage.promptTokenCount,
      usage.candidatesTokenCount,
      usage.cachedContentTokenCount,
    ],
  };
}

async function ask(
  double: ModelDouble,
  client: Client,
  prompt: string,
  { results = 0, stream = false } = {},
): Promise<Response> {
  return await fetch(double.url + client.path(stream), {
    method: "POST",
    body: JSON.stringify(client.body(prompt, results, stream)),
  });
}

async function got(
  double: ModelDouble,
  client: Client,
  prompt: string,
  options: { results?: number; stream?: boolean } = {},
): Promise<Got> {
  const response = await ask(double, client, prompt, options);
  assert.equal(response.status, 200);
  if (!options.stream) return client.whole(await response.json());
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: "));
  return client.streamed(lines.map((line) => {
    const data = line.slice("data: ".length);
    return data === "[DONE]" ? data : JSON.parse(data);
  }));
}

for (const client of CLIENTS) {
  const { api, stops } = client;

  for (const stream of [false, true]) {
    const how = stream ? "a stream" : "one answer";

    Deno.test(`${api}: calls a tool, then says a text, in ${how}`, async () => {
      await using double = await startModelDouble();
      const prompt =
        'SCRIPT: run "echo a longer command"; tokens 10 5 3; say "all {n} done, at last"';
      const call = await got(double, client, prompt, { stream });
      assert.deepEqual(call.call?.args, { command: "echo a longer command" });
      const said = await got(double, client, prompt, { stream, results: 1 });
      assert.deepEqual(said, {
        text: "all 1 done, at last",
        call: undefined,
        stop: stops.end,
        tokens: client.tokens,
      });
    });

    Deno.test(`${api}: ends for want of tokens, and refuses, in ${how}`, async () => {
      await using double = await startModelDouble();
      const long = await got(double, client, "SCRIPT: stop max_tokens; say half", { stream });
      assert.deepEqual([long.text, long.stop], ["half", stops.max_tokens]);
      const no = await got(double, client, "SCRIPT: stop refusal; say no", { stream });
      assert.equal(no.stop, stops.refusal);
    });

    Deno.test(`${api}: an empty text is an answer, too, in ${how}`, async () => {
      await using double = await startModelDouble();
      const empty = await got(double, client, 'SCRIPT: say ""', { stream });
      assert.deepEqual([empty.text, empty.stop], ["", stops.end]);
    });
  }

  Deno.test(`${api}: fails as often as it is told, with Retry-After`, async () => {
    await using double = await startModelDouble();
    const prompt = "SCRIPT: fail 429 2 7; say yes";
    for (let time = 1; time <= 2; time++) {
      const response = await ask(double, client, prompt);
      assert.equal(response.status, 429);
      assert.equal(response.headers.get("retry-after"), "7");
      assert.ok((await response.json()).error);
    }
    assert.equal((await got(double, client, prompt)).text, "yes");
    double.reset();
    const again = await ask(double, client, prompt);
    assert.equal(again.status, 429);
    await again.body?.cancel();
  });

  Deno.test(`${api}: fails always`, async () => {
    await using double = await startModelDouble();
    for (let time = 0; time < 20; time++) {
      const response = await ask(double, client, "SCRIPT: fail 401 always; say yes");
      await response.body?.cancel();
      assert.equal(response.status, 401);
      assert.equal(response.headers.get("retry-after"), null);
    }
  });

  Deno.test(`${api}: cuts a stream half way, once`, async () => {
    await using double = await startModelDouble();
    const prompt = 'SCRIPT: cut; say "a text that has several pieces in a stream"';
    const cut = await ask(double, client, prompt, { stream: true });
    await assert.rejects(async () => await cut.text());
    const whole = await got(double, client, prompt, { stream: true });
    assert.equal(whole.text, "a text that has several pieces in a stream");
    assert.deepEqual(double.requests().map(({ ending }) => ending), ["cut", undefined]);
  });

  Deno.test(`${api}: a stream hangs until the client leaves, which is noted`, async () => {
    await using double = await startModelDouble();
    const prompt = 'SCRIPT: hang; say "a text that has several pieces in a stream"';
    const response = await ask(double, client, prompt, { stream: true });
    const reader = response.body?.getReader();
    assert.equal((await reader?.read())?.done, false);
    await reader?.cancel();
    await until(() => double.requests()[0]?.gone, { message: "the client's leave to be noted" });
  });
}
