import {
  type Dialect,
  type Json,
  object,
  objects,
  pieces,
  type ProviderErrors,
  type Reply,
  type Said,
  type Stop,
  type StreamEvent,
  textIn,
} from "./dialect.ts";

const STOP_REASONS: Readonly<Record<Stop, string>> = {
  complete: "end_turn",
  max_tokens: "max_tokens",
  refusal: "refusal",
};
/** Types and messages. */
const ERRORS: ProviderErrors<readonly [type: string, message: string]> = {
  400: ["invalid_request_error", "messages: at least one message is required"],
  401: ["authentication_error", "invalid x-api-key"],
  403: [
    "permission_error",
    "Your API key does not have permission to use the specified resource.",
  ],
  429: [
    "rate_limit_error",
    "This request would exceed your account's rate limit. Please try again later.",
  ],
  500: ["api_error", "Internal server error"],
  529: ["overloaded_error", "Overloaded"],
};

/** Anthropic's Messages, which Claude Code speaks: `POST …/v1/messages`. */
export const anthropic: Dialect = {
  name: "anthropic",

  read(body) {
    const said = objects(body.messages).flatMap(({ role, content }): Said[] =>
      typeof content === "string"
        ? saidIn(role, { type: "text", text: content })
        : objects(content).flatMap((block) => saidIn(role, block))
    );
    const format = object(object(body.output_config).format ?? body.output_format);
    return {
      tools: objects(body.tools).map(({ name, input_schema }) => ({
        name: String(name),
        schema: object(input_schema),
        freeform: false,
      })),
      said,
      all: `${textIn(body.system)}\n${textIn(body.messages)}`,
      model: String(body.model),
      stream: body.stream === true,
      outputSchema: format.schema as Json | undefined,
    };
  },

  whole(reply, { model }) {
    const { input, output, cached } = reply.usage;
    return {
      id: `msg_${crypto.randomUUID()}`,
      type: "message",
      role: "assistant",
      model,
      content: contentOf(reply),
      stop_reason: reply.call === undefined ? STOP_REASONS[reply.stop] : "tool_use",
      stop_sequence: null,
      usage: {
        // Here, unlike elsewhere, what was cached is not a part of what was read.
        input_tokens: input - cached,
        output_tokens: output,
        cache_read_input_tokens: cached,
        cache_creation_input_tokens: 0,
      },
    };
  },

  events(reply, asked) {
    const message = this.whole(reply, asked);
    const usage = object(message.usage);
    const begun = { ...message, content: [], stop_reason: null };
    const { stop_reason } = message;
    return [
      { type: "message_start", message: { ...begun, usage: { ...usage, output_tokens: 1 } } },
      ...objects(message.content).flatMap(blockEvents),
      { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage },
      { type: "message_stop" },
    ].map((data): StreamEvent => ({ event: String(data.type), data }));
  },

  error(status) {
    const [type, message] = ERRORS[status] ?? ["api_error", `mock ${status}`];
    return { type: "error", error: { type, message }, request_id: "req_mock" };
  },
};

function saidIn(role: unknown, block: Json): Said[] {
  if (block.type === "tool_result") return [{ kind: "result", text: textIn(block.content) }];
  const prompt = role === "user" && block.type === "text";
  return prompt ? [{ kind: "prompt", text: String(block.text) }] : [];
}

function contentOf({ thought, text, call }: Reply): Json[] {
  const content: Json[] = [];
  if (thought !== undefined) {
    content.push({ type: "thinking", thinking: thought, signature: "mock" });
  }
  if (text !== undefined) content.push({ type: "text", text });
  if (call !== undefined) {
    content.push({ type: "tool_use", id: call.id, name: call.name, input: call.args });
  }
  return content;
}

function blockEvents(block: Json, index: number): Json[] {
  const { empty, deltas } = streamed(block);
  return [
    { type: "content_block_start", index, content_block: empty },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

/** A block of content as it begins, and what is added to it. */
function streamed(block: Json): { empty: Json; deltas: Json[] } {
  switch (block.type) {
    case "thinking":
      return {
        empty: { type: "thinking", thinking: "", signature: "" },
        deltas: [
          ...pieces(String(block.thinking)).map((thinking) => ({
            type: "thinking_delta",
            thinking,
          })),
          { type: "signature_delta", signature: "mock" },
        ],
      };
    case "tool_use":
      return {
        empty: { ...block, input: {} },
        deltas: pieces(JSON.stringify(block.input)).map((partial_json) => ({
          type: "input_json_delta",
          partial_json,
        })),
      };
    default:
      return {
        empty: { type: "text", text: "" },
        deltas: pieces(String(block.text)).map((text) => ({ type: "text_delta", text })),
      };
  }
}
