import type { Asked, Reply, Stop, Usage } from "./dialect.ts";
import type { Place } from "./script.ts";
import { callFor, smallest } from "./tools.ts";

/**
 * Decides what to answer. Requests without tools (titles, summaries, routing) are no step of the
 * script: they get a short text, or the smallest value of the schema that they ask for.
 */
export function replyTo(asked: Asked, place: Place): Reply {
  if (asked.tools.length === 0) return said(asked, "mock");
  try {
    return stepReply(asked, place);
  } catch (error) {
    // Agents try again after an error of a server, so a mistake in a script is told as a text.
    return said(asked, `The script is wrong: ${(error as Error).message}`);
  }
}

function stepReply(asked: Asked, { step, results }: Place): Reply {
  const before = new Map(step.before.map(([word = "", ...args]) => [word, args]));
  const thought = before.get("think")?.join(" ");
  const stop = stopOf(before.get("stop")?.[0]);
  const tokens = before.get("tokens");
  if (step.verb === "say") {
    const text = step.args.join(" ").replaceAll("{n}", String(results));
    return { ...said(asked, text, tokens), thought, stop };
  }
  const call = callFor(step, asked);
  if (call === undefined) {
    const names = asked.tools.map(({ name }) => name).join(", ");
    return said(asked, `The client offered no tool for: ${step.verb}. It has ${names}`, tokens);
  }
  const usage = usageOf(asked, call.raw ?? JSON.stringify(call.args), tokens);
  return { thought, call, stop: "complete", usage };
}

function said(asked: Asked, words: string, tokens?: readonly string[]): Reply {
  const { outputSchema } = asked;
  const text = outputSchema === undefined || isJson(words)
    ? words
    : JSON.stringify(smallest(outputSchema));
  return { text, stop: "complete", usage: usageOf(asked, text, tokens) };
}

/** What the script says, else about four characters a token. */
function usageOf(
  asked: Asked,
  written: string,
  [input, output, cached]: readonly string[] = [],
): Usage {
  return {
    input: Number(input ?? Math.ceil(asked.all.length / 4)),
    output: Number(output ?? Math.ceil(written.length / 4)),
    cached: Number(cached ?? 0),
  };
}

function stopOf(word: string | undefined): Stop {
  if (word === undefined || word === "max_tokens" || word === "refusal") return word ?? "complete";
  throw new Error(`stop is "${word}", not max_tokens or refusal`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
