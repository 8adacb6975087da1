/**
 * Lists in the place of one list that does not fit a message.
 *
 * @module
 */

/** Limits of {@linkcode chunks}. */
export interface ChunkOptions<T> {
  /** How much may be in one list. An item that is more has a list of its own. */
  readonly limit: number;
  /** How much an item is. */
  readonly sizeOf: (item: T) => number;
  /** How many items may be in one list; any number by default. */
  readonly maxItems?: number;
}

/** Spreads items over as few lists as their limits allow, in order. */
export function chunks<T>(
  items: readonly T[],
  { limit, sizeOf, maxItems = Infinity }: ChunkOptions<T>,
): T[][] {
  const lists: T[][] = [];
  let size = Infinity;
  for (const item of items) {
    const more = sizeOf(item);
    if (size + more > limit || lists.at(-1)?.length === maxItems) {
      lists.push([]);
      size = 0;
    }
    lists.at(-1)?.push(item);
    size += more;
  }
  return lists;
}
