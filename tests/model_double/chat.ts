import {
  type Dialect,
  type Json,
  object,
  objects,
  pieces,
  type Reply,
  type Said,
  type StreamEvent,
  textIn,
  type ToolCall,
} from "./dialect.ts";
import { openAiError } from "./openai_error.ts";

/** OpenAI's Chat Completions, which opencode and most others speak: `POST …/chat/completions`. */
export const chat: Dialect = {
  name: "chat",

  read(body) {
    const format = object(object(body.response_format).json_schema);
    return {
      tools: objects(body.tools).map((tool) => object(tool.function)).map((tool) => ({
        name: String(tool.name),
        schema: object(tool.parameters),
        freeform: false,
      })),
      said: objects(body.messages).flatMap(({ role, content }): Said[] => {
        if (role === "tool") return [{ kind: "result", text: textIn(content) }];
        return role === "user" ? [{ kind: "prompt", text: textIn(content) }] : [];
      }),
      all: textIn(body.messages),
      model: String(body.model),
      stream: body.stream === true,
      outputSchema: format.schema as Json | undefined,
    };
  },

  whole(reply, { model }) {
    const { input, output, cached } = reply.usage;
    const message: Json = { role: "assistant", content: reply.text ?? null };
    if (reply.call !== undefined) message.tool_calls = [toolCall(reply.call)];
    return {
      id: "chatcmpl-mock",
      object: "chat.completion",
      created: Math.floor(Date.now() / 1000),
      model,
      choices: [{ index: 0, message, finish_reason: finishReason(reply) }],
      usage: {
        prompt_tokens: input,
        completion_tokens: output,
        total_tokens: input + output,
        prompt_tokens_details: { cached_tokens: cached },
      },
    };
  },

  events(reply, asked) {
    const { choices: _, usage, ...whole } = this.whole(reply, asked);
    const chunk = (delta: Json, finish_reason: string | null = null): Json => ({
      ...whole,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason }],
    });
    const chunks = [
      chunk({ role: "assistant", content: "" }),
      ...pieces(reply.text ?? "").map((content) => chunk({ content })),
      ...(reply.call === undefined ? [] : callDeltas(reply.call).map((delta) => chunk(delta))),
      { ...chunk({}, finishReason(reply)), usage },
    ];
    return [...chunks, "[DONE]"].map((data): StreamEvent => ({ data }));
  },

  error: openAiError,
};

function finishReason({ call, stop }: Reply): string {
  if (call !== undefined) return "tool_calls";
  return { complete: "stop", max_tokens: "length", refusal: "content_filter" }[stop];
}

function toolCall({ id, name, args, raw }: ToolCall) {
  const text = JSON.stringify(raw === undefined ? args : { input: raw });
  return { id, type: "function", function: { name, arguments: text } };
}

function callDeltas(call: ToolCall): Json[] {
  const whole = toolCall(call);
  const delta = (fields: Json): Json => ({ tool_calls: [{ index: 0, ...fields }] });
  return [
    delta({ ...whole, function: { name: call.name, arguments: "" } }),
    ...pieces(whole.function.arguments).map((text) => delta({ function: { arguments: text } })),
  ];
}
