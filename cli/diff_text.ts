/**
 * A patch for people: coloured, and harmless for their terminal.
 *
 * @module
 */
import type { PatchedFile } from "@ourocodus/git";
import { type Cell, table } from "./table.ts";
import { harmless, type Paint } from "./terminal_text.ts";

/** A patch with colours. Tabs stay; everything else that could drive a terminal is escaped. */
export function diffText(patch: string, paint: Paint): string {
  let isBody = false;
  return patch.split("\n").map((line) => {
    const text = line.split("\t").map(harmless).join("\t");
    if (line.startsWith("diff --git ")) isBody = false;
    if (line.startsWith("@@ ")) {
      isBody = true;
      return paint.cyan(text);
    }
    if (!isBody) return line === "" ? "" : paint.bold(text);
    if (line.startsWith("+")) return paint.green(text);
    if (line.startsWith("-")) return paint.red(text);
    return text;
  }).join("\n");
}

/** Files with how many lines were added and removed, and the sum. */
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
