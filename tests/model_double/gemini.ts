import {
  type Asked,
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

const FINISH_REASONS: Readonly<Record<Stop, string>> = {
  complete: "STOP",
  max_tokens: "MAX_TOKENS",
  refusal: "SAFETY",
};
/** Codes and messages. */
const ERRORS: ProviderErrors<readonly [code: string, message: string]> = {
  400: ["INVALID_ARGUMENT", "Invalid value at 'contents'."],
  401: ["UNAUTHENTICATED", "API key not valid. Please pass a valid API key."],
  403: ["PERMISSION_DENIED", "The caller does not have permission"],
  429: [
    "RESOURCE_EXHAUSTED",
    "You exceeded your current quota, please check your plan and billing details.",
  ],
  500: ["INTERNAL", "An internal error has occurred."],
  503: ["UNAVAILABLE", "The model is overloaded. Please try again later."],
};

/** Gemini's API: `POST …/models/M:generateContent`, `…:streamGenerateContent`. */
export const gemini: Dialect = {
  name: "gemini",

  read(body, url) {
    const declared = objects(body.tools).flatMap((tool) => objects(tool.functionDeclarations));
    const config = object(body.generationConfig);
    return {
      tools: declared.map((tool) => ({
        name: String(tool.name),
        schema: object(tool.parametersJsonSchema ?? tool.parameters),
        freeform: false,
      })),
      said: objects(body.contents).flatMap(({ role, parts }) =>
        objects(parts).flatMap((part) => saidIn(role, part))
      ),
      all: `${textIn(body.systemInstruction)}\n${textIn(body.contents)}`,
      model: /models\/([^:/]+):/.exec(url.pathname)?.[1] ?? "",
      stream: url.pathname.endsWith(":streamGenerateContent"),
      outputSchema: (config.responseJsonSchema ?? config.responseSchema) as Json | undefined,
    };
  },

  whole(reply, asked) {
    return answer(partsOf(reply), true, reply, asked);
  },

  events(reply, asked) {
    const parts = partsOf(reply).flatMap((part) =>
      typeof part.text === "string" ? pieces(part.text).map((text) => ({ ...part, text })) : [part]
    );
    // A candidate without a part still says why it ended.
    if (parts.length === 0) return [{ data: answer([], true, reply, asked) }];
    return parts.map((part, index): StreamEvent => ({
      data: answer([part], index === parts.length - 1, reply, asked),
    }));
  },

  error(status, retryAfterS) {
    const details = retryAfterS > 0
      ? [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfterS}s` }]
      : [];
    const [code, message] = ERRORS[status] ?? ["INTERNAL", `mock ${status}`];
    return { error: { code: status, message, status: code, details } };
  },
};

function saidIn(role: unknown, part: Json): Said[] {
  if ("functionResponse" in part) {
    return [{ kind: "result", text: JSON.stringify(part.functionResponse) }];
  }
  const prompt = role !== "model" && typeof part.text === "string";
  return prompt ? [{ kind: "prompt", text: String(part.text) }] : [];
}

function partsOf({ thought, text, call }: Reply): Json[] {
  const parts: Json[] = [];
  if (thought !== undefined) parts.push({ text: thought, thought: true });
  if (text !== undefined) parts.push({ text });
  if (call !== undefined) {
    const functionCall = { id: call.id, name: call.name, args: call.args };
    parts.push({ functionCall, thoughtSignature: "bW9jaw==" });
  }
  return parts;
}

function answer(parts: Json[], last: boolean, { usage, stop }: Reply, { model }: Asked): Json {
  const finishReason = last ? FINISH_REASONS[stop] : undefined;
  return {
    candidates: [{ index: 0, content: { role: "model", parts }, finishReason }],
    usageMetadata: {
      promptTokenCount: usage.input,
      candidatesTokenCount: usage.output,
      cachedContentTokenCount: usage.cached,
      totalTokenCount: usage.input + usage.output,
    },
    modelVersion: model,
    responseId: "mock",
  };
}
