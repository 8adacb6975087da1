/**
 * Finding unified diffs in a text, and what each of its lines is. Hunks end where their header says:
 * a list in Markdown after a diff is no removed line. There is no NATS in here: the monitor's page
 * has it too.
 *
 * @module
 */

/** What a line is: of a diff, or `text` between diffs. */
export type DiffLineKind = "text" | "file" | "hunk" | "added" | "removed" | "context";

/** A line of a text. */
export interface DiffLine {
  readonly kind: DiffLineKind;
  /** Without the line's end. */
  readonly text: string;
}

const HUNK = /^@@ -\d{1,10}(?:,(\d{1,10}))? \+\d{1,10}(?:,(\d{1,10}))? @@/;
const ANY_HUNK = new RegExp(HUNK.source, "m");
/** What may stand between the first line of a file's diff and its hunks. */
const HEADER =
  /^(?:index |old mode |new mode |new file mode |deleted file mode |similarity index |dissimilarity index |rename |copy |Binary files |GIT binary patch$|--- |\+\+\+ )/;

/** Whether a text has a unified diff in it. */
export function hasDiff(text: string): boolean {
  return ANY_HUNK.test(text) || /^diff --git /m.test(text);
}

/**
 * Takes a text apart.
 *
 * @example
 * ```ts
 * import { diffLines } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * const kinds = diffLines("Done:\n--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n- fast").map(({ kind }) => kind);
 * assert.deepEqual(kinds, ["text", "file", "file", "hunk", "removed", "added", "text"]);
 * ```
 */
export function diffLines(text: string): DiffLine[] {
  const lines = text.split("\n");
  let inHeader = false;
  /** Lines that the hunk still has on either side. */
  let [before, after] = [0, 0];
  return lines.map((line, index) => {
    const inHunk = before > 0 || after > 0;
    const sign = line[0];
    if (inHunk && sign === "-" && before > 0) {
      before--;
      return { kind: "removed", text: line };
    }
    if (inHunk && sign === "+" && after > 0) {
      after--;
      return { kind: "added", text: line };
    }
    // Some tools cut the space of an empty line.
    if (inHunk && (sign === " " || line === "") && before > 0 && after > 0) {
      before--;
      after--;
      return { kind: "context", text: line };
    }
    if (inHeader && sign === "\\") return { kind: "context", text: line };
    [before, after] = [0, 0];
    const hunk = inHeader ? HUNK.exec(line) : null;
    if (hunk !== null) {
      [before, after] = [Number(hunk[1] ?? 1), Number(hunk[2] ?? 1)];
      return { kind: "hunk", text: line };
    }
    const isFile = line.startsWith("diff --git ") || (inHeader && HEADER.test(line)) ||
      (line.startsWith("--- ") && lines[index + 1]?.startsWith("+++ ") === true);
    inHeader = isFile;
    return { kind: isFile ? "file" : "text", text: line };
  });
}
