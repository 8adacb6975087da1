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
} from "./dialect.ts";
import { openAiError } from "./openai_error.ts";

/** OpenAI's Responses, which Codex speaks: `POST …/responses`. */
export const responses: Dialect = {
  name: "responses",

  read(body) {
    const input = typeof body.input === "string"
      ? [{ role: "user", content: body.input }]
      : objects(body.input);
    const format = object(object(body.text).format);
    return {
      tools: objects(body.tools).filter(({ name }) => name !== undefined).map((tool) => ({
        name: String(tool.name),
        schema: object(tool.parameters),
        freeform: tool.type === "custom",
      })),
      said: input.flatMap((item: Json): Said[] => {
        if (/_output$/.test(String(item.type))) {
          return [{ kind: "result", text: textIn(item.output) }];
        }
        return item.role === "user" ? [{ kind: "prompt", text: textIn(item.content) }] : [];
      }),
      all: `${textIn(body.instructions)}\n${textIn(body.input)}`,
      model: String(body.model),
      stream: body.stream === true,
      outputSchema: format.schema as Json | undefined,
    };
  },

  whole(reply, { model }) {
    const id = crypto.randomUUID().replaceAll("-", "");
    const { input, output, cached } = reply.usage;
    return {
      id: `resp_${id}`,
      object: "response",
      created_at: Math.floor(Date.now() / 1000),
      model,
      output: outputOf(reply, id),
      parallel_tool_calls: false,
      error: null,
      ...statusOf(reply),
      metadata: {},
      usage: {
        input_tokens: input,
        input_tokens_details: { cached_tokens: cached },
        output_tokens: output,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: input + output,
      },
    };
  },

  events(reply, asked) {
    const response = this.whole(reply, asked);
    const begun = { ...response, status: "in_progress", output: [], usage: null };
    const end = response.status === "completed" ? "response.completed" : "response.incomplete";
    return [
      { type: "response.created", response: begun },
      { type: "response.in_progress", response: begun },
      ...objects(response.output).flatMap(itemEvents),
      { type: end, response },
    ].map((data, sequence_number): StreamEvent => ({
      event: data.type,
      data: { ...data, sequence_number },
    }));
  },

  error: openAiError,
};

function statusOf({ stop }: Reply): Json {
  if (stop === "complete") return { status: "completed", incomplete_details: null };
  const reason = stop === "max_tokens" ? "max_output_tokens" : "content_filter";
  return { status: "incomplete", incomplete_details: { reason } };
}

function outputOf({ thought, text, call }: Reply, id: string): Json[] {
  const output: Json[] = [];
  if (thought !== undefined) {
    const summary = [{ type: "summary_text", text: thought }];
    output.push({ type: "reasoning", id: `rs_${id}`, summary });
  }
  if (text !== undefined) {
    const content = [{ type: "output_text", text, annotations: [] }];
    output.push({
      type: "message",
      id: `msg_${id}`,
      role: "assistant",
      status: "completed",
      content,
    });
  }
  if (call !== undefined) {
    const what = { status: "completed", call_id: call.id, name: call.name };
    output.push(
      call.raw === undefined
        ? {
          type: "function_call",
          id: `fc_${id}`,
          ...what,
          arguments: JSON.stringify(call.args),
        }
        : { type: "custom_tool_call", id: `ctc_${id}`, ...what, input: call.raw },
    );
  }
  return output;
}

interface Event extends Json {
  readonly type: string;
}

function itemEvents(item: Json, output_index: number): Event[] {
  const at = { item_id: item.id, output_index };
  const { empty, events } = streamed(item, at);
  return [
    {
      type: "response.output_item.added",
      output_index,
      item: { ...item, ...empty, status: "in_progress" },
    },
    ...events,
    { type: "response.output_item.done", output_index, item },
  ];
}

/** What an item lacks as it begins, and the events that add it. */
function streamed(item: Json, at: Json): { empty: Json; events: Event[] } {
  switch (item.type) {
    case "reasoning": {
      const text = textIn(item.summary);
      const place = { ...at, summary_index: 0 };
      const name = "response.reasoning_summary_";
      return {
        empty: { summary: [] },
        events: [
          { type: `${name}part.added`, ...place, part: { type: "summary_text", text: "" } },
          ...pieces(text).map((delta) => ({ type: `${name}text.delta`, ...place, delta })),
          { type: `${name}text.done`, ...place, text },
        ],
      };
    }
    case "function_call": {
      const name = "response.function_call_arguments";
      return {
        empty: { arguments: "" },
        events: [
          ...pieces(String(item.arguments)).map((delta) => ({
            type: `${name}.delta`,
            ...at,
            delta,
          })),
          { type: `${name}.done`, ...at, arguments: item.arguments },
        ],
      };
    }
    case "custom_tool_call": {
      const name = "response.custom_tool_call_input";
      return {
        empty: { input: "" },
        events: [
          ...pieces(String(item.input)).map((delta) => ({ type: `${name}.delta`, ...at, delta })),
          { type: `${name}.done`, ...at, input: item.input },
        ],
      };
    }
    default: {
      const text = textIn(item.content);
      const place = { ...at, content_index: 0 };
      const part = { type: "output_text", text, annotations: [] };
      return {
        empty: { content: [] },
        events: [
          { type: "response.content_part.added", ...place, part: { ...part, text: "" } },
          ...pieces(text).map((delta) => ({
            type: "response.output_text.delta",
            ...place,
            delta,
          })),
          { type: "response.output_text.done", ...place, text },
          { type: "response.content_part.done", ...place, part },
        ],
      };
    }
  }
}
