/**
 * Colours for unified diffs.
 *
 * @module
 */
import { type DiffLineKind, diffLines } from "@ourocodus/protocol";
import { harmless, type Paint } from "./terminal_text.ts";

/**
 * Colours the unified diffs in a text, and leaves all other lines as they are.
 *
 * @param text Made harmless already, see `harmlessLines`.
 */
export function colourDiff(text: string, paint: Paint): string {
  const colors: Readonly<Record<DiffLineKind, (line: string) => string>> = {
    text: (line) => line,
    context: (line) => line,
    file: paint.bold,
    hunk: paint.cyan,
    added: paint.green,
    removed: paint.red,
  };
  return diffLines(text).map(({ kind, text }) => colors[kind](text)).join("\n");
}

/** A patch with colours. Tabs stay; everything else that could drive a terminal is escaped. */
export function diffText(patch: string, paint: Paint): string {
  const lines = patch.split("\n").map((line) => line.split("\t").map(harmless).join("\t"));
  return colourDiff(lines.join("\n"), paint);
}
