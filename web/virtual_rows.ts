/**
 * Which rows of a long list are to be drawn.
 *
 * @module
 */

/** A stretch of rows, and where it stands. */
export interface Window {
  readonly start: number;
  /** After the last one. */
  readonly end: number;
  /** How far down the first one is, in pixels. */
  readonly offset: number;
}

/** Rows beyond the visible ones that are drawn too, so that scrolling shows no gap. */
const OVERSCAN = 12;

/**
 * Finds it.
 *
 * @param rows How many there are, each as high as `rowHeight`, in pixels.
 * @param top How far the list is scrolled, in pixels.
 * @param height How much of it is seen, in pixels.
 */
export function visibleRows(
  rows: number,
  rowHeight: number,
  { top, height }: { readonly top: number; readonly height: number },
): Window {
  const first = Math.floor(top / rowHeight) - OVERSCAN;
  const start = Math.max(0, Math.min(first, rows));
  const end = Math.min(rows, Math.ceil((top + height) / rowHeight) + OVERSCAN);
  return { start, end: Math.max(start, end), offset: start * rowHeight };
}
