/**
 * The model's double: a test double for a language model, so that real coding agents run offline.
 * It is no model: it does what the script in the prompt says, see `script.ts`. Only what an agent
 * would ask a model is answered here; the agent is the real one. It speaks as much of four APIs as
 * agents need: Anthropic's Messages, OpenAI's Responses and Chat Completions, and Gemini's.
 *
 * @module
 */
export {
  type ModelDouble,
  type ModelDoubleOptions,
  type ModelRequest,
  startModelDouble,
} from "./server.ts";
