import type { PatchedFile } from "@ourocodus/git";
import { type Cell, table } from "./table.ts";
import { harmless, type Paint } from "./terminal_text.ts";

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
