/**
 * A load process's side of its pipe: it is told one JSON value a line on stdin, and tells one a
 * line on stdout.
 *
 * @module
 */
import type { Plan } from "./plan.ts";

/** The plan that this process was started with. */
export function readPlan<T = Plan>(): T {
  return JSON.parse(Deno.args[0] ?? "");
}

/** Tells the process that started this one. */
export function tell(value: object): void {
  console.log(JSON.stringify(value));
}

/** What it is told to do, until there is no more. */
export async function* commands<T>(): AsyncGenerator<T> {
  let rest = "";
  for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}
