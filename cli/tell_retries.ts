/**
 * Telling what became of work that was to be sent again: `work retry`, `dead retry`.
 *
 * @module
 */
import type { Retried, RetriedWork } from "@ourocodus/ops";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { harmless, jsonLine, paint } from "./terminal_text.ts";
import { nameOf, placeOf, stateWord } from "./work_item.ts";

/** What became of one work item. */
export interface AskedRetry {
  /** How it was asked for; by a filter if undefined. */
  readonly asked?: string;
  readonly done: Retried;
  /** What to say if it is not known. */
  readonly unknown?: string;
}

/** What was sent. */
export type SentAgain = Extract<Retried, { kind: "retried" }>;

/**
 * Tells of each retry.
 *
 * @returns What was sent, and the exit code: 1 if anything was not.
 */
export async function tellAll(
  all: AsyncIterable<AskedRetry>,
  { json, wait }: { readonly json?: boolean; readonly wait?: boolean },
  console: Console,
): Promise<{ readonly code: ExitCode; readonly sent: readonly SentAgain[] }> {
  const sent: SentAgain[] = [];
  let code: ExitCode = EXIT.ok;
  for await (const retry of all) {
    const { asked, done } = retry;
    if (done.kind === "retried") sent.push(done);
    else if (done.kind !== "ready") code = EXIT.failed;
    if (json) await console.out.write(jsonLine(receipt(asked, done)));
    else if (done.kind === "retried" || done.kind === "ready") {
      // With --wait, standard output is for the results alone.
      const output = wait ? console.err : console.out;
      const { green, dim } = paint(output.hasColor);
      const line = `${nameOf(done.work)} ${sentText(done)} ${dim(`(${wasText(done.work)})`)}\n`;
      await output.write(done.kind === "ready" ? line : `${green("✓")} ${line}`);
    } else {
      await console.err.write(`error: ${refusal(retry, done)}\n`);
    }
    if (console.signal.aborted) break;
  }
  return { code, sent };
}

function sentText(done: Extract<Retried, { kind: "retried" | "ready" }>): string {
  if (done.kind === "ready") return "would be sent again";
  const { sequence, duplicate } = done.sent;
  return `${duplicate ? "was sent again a moment ago" : "sent again"}: sequence ${sequence}`;
}

function wasText(work: RetriedWork): string {
  return `${placeOf(work)}, ${stateWord(work.state)}`;
}

/** For --json: what was asked for, and what became of it. */
function receipt(asked: string | undefined, done: Retried): unknown {
  const head = { ...(asked !== undefined && { asked }), kind: done.kind };
  if (done.kind === "unknown") return head;
  if (done.kind === "ambiguous") return { ...head, works: done.works };
  return {
    ...head,
    ...done.work,
    ...(done.kind === "retried" && { duplicate: done.sent.duplicate }),
    ...(done.kind === "refused" && { reason: done.reason }),
  };
}

function refusal(
  { asked = "", unknown = "" }: AskedRetry,
  done: Exclude<Retried, { kind: "retried" | "ready" }>,
): string {
  switch (done.kind) {
    case "unfinished": {
      const { work_sequence: sequence } = done.work;
      return `${nameOf(done.work)} is ${
        stateWord(done.work.state)
      }, and not sent again. Wait for ` +
        `it with "ourocodus work wait --sequence ${sequence}", or first cancel it with ` +
        `"ourocodus work cancel --sequence ${sequence}" (${placeOf(done.work)})`;
    }
    case "already":
      return `${nameOf(done.work)} was sent again before, as sequence ${done.work.retried_as}; ` +
        `--again sends it once more (${wasText(done.work)})`;
    case "refused":
      return `${nameOf(done.work)} cannot be sent again: ${harmless(done.reason)} ` +
        `(${wasText(done.work)})`;
    case "ambiguous": {
      const { works } = done;
      const lines = works.map((work) =>
        `\n  ourocodus work retry --sequence ${work.work_sequence}  (session ${work.session_id}, ` +
        `role ${work.role}, ${stateWord(work.state)})`
      );
      return `work with the id ${harmless(asked)} is in ${works.length} sessions and roles; say ` +
        `which:${lines.join("")}`;
    }
    case "unknown":
      return unknown;
  }
}
