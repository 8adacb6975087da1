/**
 * Patches for people: coloured, or as a table of their files.
 *
 * @module
 */
import type { PatchedFile } from "@ourocodus/git";
import { type DiffLineKind, diffLines } from "@ourocodus/protocol";
import { type Cell, table } from "./table.ts";
import { harmless, type Paint } from "./terminal_text.ts";

/**
 * Colours the unified diffs in a text; other lines stay unchanged.
 *
 * @param text Already made harmless by `harmlessLines`.
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

/** A patch with colours. Tabs are kept, other control characters are escaped. */
export function diffText(patch: string, paint: Paint): string {
  const lines = patch.split("\n").map((line) => line.split("\t").map(harmless).join("\t"));
  return colourDiff(lines.join("\n"), paint);
}

/** A table of files, with how many lines were added and removed, and the sum. */
export function statText(files: readonly PatchedFile[], paint: Paint): string {
  const sum = (name: "added" | "removed") =>
    files.reduce((total, file) => total + (file[name] ?? 0), 0);
  const rows = files.map((file): Cell[] => {
    const { path, from, status, added, removed } = file;
    const name = from === undefined ? harmless(path) : `${harmless(from)} → ${harmless(path)}`;
    if (added === null || removed === null) return [status, name, "binary", ""];
    return [
      status,
      name,
      { text: `+${added}`, color: paint.green },
      { text: `-${removed}`, color: paint.red },
    ];
  });
  const count = `${files.length} ${files.length === 1 ? "file" : "files"}`;
  const total = `${count}, ${paint.green(`+${sum("added")}`)} ${paint.red(`-${sum("removed")}`)}`;
  return [...table(rows), total].join("\n");
}
