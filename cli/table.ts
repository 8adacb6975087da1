/**
 * Text in columns.
 *
 * @module
 */

/** A cell: its text, and how it is coloured, which does not count for its width. */
export type Cell = string | { readonly text: string; readonly color: (text: string) => string };

/** A row of columns' names. */
export function headRow(names: readonly string[], color: (text: string) => string): Cell[] {
  return names.map((text) => ({ text, color }));
}

/**
 * Lays rows out in columns, two spaces apart.
 *
 * @param rows All of one length.
 * @returns A line each, without spaces at its end.
 */
export function table(rows: readonly (readonly Cell[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, textOf(cell).length);
    });
  }
  return rows.map((row) =>
    row.map((cell, column) => {
      const last = column === row.length - 1;
      const text = textOf(cell);
      const space = last ? "" : " ".repeat((widths[column] ?? 0) - text.length);
      return (typeof cell === "string" ? text : cell.color(text)) + space;
    }).join("  ").trimEnd()
  );
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}
