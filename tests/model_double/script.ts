/**
 * The language in which a prompt says what the model's double shall do. One line of the prompt is
 * the script, and its steps are separated by `;`:
 *
 *     SCRIPT: write hello.txt "hi\n"; run "ls -l"; say "done"
 *
 * | step                 | the double                                                           |
 * | -------------------- | -------------------------------------------------------------------- |
 * | `write PATH TEXT`    | calls the client's tool that writes a file, else a patch, else a shell |
 * | `edit PATH OLD NEW`  | calls the client's tool that replaces text                           |
 * | `read PATH`          | calls the client's tool that reads a file                            |
 * | `run COMMAND`        | calls the client's shell tool                                        |
 * | `call TOOL JSON`     | calls any tool with these arguments                                  |
 * | `say TEXT`           | says a text, which ends the turn; `{n}` is the number of tool results |
 *
 * Words before a step change it:
 *
 * | word                              | effect on the next step                                    |
 * | --------------------------------- | ---------------------------------------------------------- |
 * | `think TEXT`                      | is reasoned first (not in Chat Completions)                |
 * | `tokens IN OUT [CACHED]`          | reports this usage; CACHED is a part of IN                 |
 * | `stop max_tokens`, `stop refusal` | ends for this reason; without a text, `say` needs none     |
 * | `slow SECONDS`                    | begins that late                                           |
 * | `trickle MS`                      | has this time between the pieces of its text               |
 * | `fail STATUS [TIMES] [SECONDS]`   | fails first, with SECONDS as `Retry-After`                 |
 * | `hang [TIMES]`                    | begins and never goes on                                   |
 * | `cut [TIMES]`                     | breaks the connection half way                             |
 *
 * TIMES is 1 unless it says otherwise; `always` is for good. Words in `"…"` are JSON strings.
 *
 * The next step follows from the request alone: it is the number of tool results after the last
 * prompt that has a script. So a conversation that is loaded after a crash goes on where it was.
 *
 * @module
 */
import type { Asked, Said } from "./dialect.ts";

/** One step of a script. */
export interface Step {
  /** `say`, `write`, `run`, … */
  readonly verb: string;
  readonly args: readonly string[];
  /** The words before it that change it: `["fail", "429", "2"]`. */
  readonly before: ReadonlyArray<readonly string[]>;
}

/** Where a conversation is in its script. */
export interface Place {
  /** Tells this step of this prompt from all others. */
  readonly key: string;
  readonly step: Step;
  /** Tool results since the prompt. */
  readonly results: number;
  /** Prompts with a script, this one and those before it. */
  readonly scripts: number;
}

const BEFORE = ["think", "tokens", "stop", "slow", "trickle", "fail", "hang", "cut"];
const DONE: Step = { verb: "say", args: ["done"], before: [] };

/**
 * Reads a script.
 *
 * @param text What stands after `SCRIPT:`.
 * @returns Its steps; words that no step follows come before a last `say done`.
 */
export function parseScript(text: string): Step[] {
  const steps: Step[] = [];
  let before: string[][] = [];
  for (const words of statements(text)) {
    const [verb = "", ...args] = words;
    if (BEFORE.includes(verb)) before.push(words);
    else {
      steps.push({ verb, args, before });
      before = [];
    }
  }
  if (before.length > 0) steps.push({ ...DONE, before });
  return steps;
}

/**
 * Finds the script in a prompt.
 *
 * @returns What stands after `SCRIPT:` in its line, or undefined.
 */
export function scriptIn(prompt: string): string | undefined {
  const found = /(^|[\s"'>])SCRIPT:([^\n]*)/.exec(prompt);
  if (found === null) return undefined;
  const script = found[2] ?? "";
  // Some command lines put a prompt with spaces into quotes again, and escape those within.
  return found[1] === '"' && script.includes('\\"')
    ? unquoted(`"${script.replace(/"\s*$/, "")}"`)
    : script;
}

/** Finds the step that a request is about. */
export function placeOf({ said }: Asked): Place {
  const hasScript = ({ kind, text }: Said) => kind === "prompt" && scriptIn(text) !== undefined;
  const at = said.findLastIndex(hasScript);
  const results = said.slice(at + 1).filter(({ kind }) => kind === "result").length;
  const prompt = said[at];
  if (prompt === undefined) {
    const heard = said.findLast(({ kind }) => kind === "prompt")?.text ?? "";
    const args = [`No script. Heard: ${heard.slice(0, 200)}`];
    return { key: "", step: { verb: "say", args, before: [] }, results, scripts: 0 };
  }
  const script = scriptIn(prompt.text) ?? "";
  const prompts = said.slice(0, at + 1).filter(({ kind }) => kind === "prompt").length;
  return {
    key: `${prompts} ${results} ${script}`,
    step: parseScript(script)[results] ?? DONE,
    results,
    scripts: said.filter(hasScript).length,
  };
}

/** Reads the number of times of a word: 1 if it is not there, `always` for good. */
export function timesOf(word: string | undefined): number {
  if (word === "always") return Infinity;
  return Number(word ?? 1);
}

function statements(text: string): string[][] {
  const all: string[][] = [[]];
  const token = /"(?:[^"\\]|\\.)*"|\{[^;]*\}|;|[^\s;"]+/g;
  for (const [word] of text.matchAll(token)) {
    if (word === ";") all.push([]);
    else all.at(-1)?.push(word.startsWith('"') ? unquoted(word) : word);
  }
  return all.filter((words) => words.length > 0);
}

function unquoted(word: string): string {
  try {
    return JSON.parse(word);
  } catch {
    return word.slice(1, -1);
  }
}
