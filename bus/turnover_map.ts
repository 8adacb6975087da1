/**
 * A map for what comes and goes all the time.
 *
 * V8 gives a `Map` from which entries are deleted a new table again and again, and leaves each old
 * table pointing to the next one. Once one of them has grown old, everything that was in the map
 * since then survives every minor garbage collection: each copies it, and only a major one frees it.
 * ARCHITECTURE.md has what that cost. So here a deleted entry only loses its value, and after a while
 * the living ones move to a new `Map`, to which no old table points.
 *
 * @module
 */

/** How many deleted entries are kept for each living one, and how many more. */
const DEAD_FOR_EACH = 3;
const SLACK = 8;

/** A map whose old tables can be collected. Its entries are in the order of insertion. */
export class TurnoverMap<K, V extends object> {
  #map: Map<K, V | undefined> | undefined;
  #size = 0;

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /** The value of a key. */
  get(key: K): V | undefined {
    return this.#map?.get(key);
  }

  /** Sets the value of a key. */
  set(key: K, value: V): void {
    const map = this.#map ??= new Map();
    const isNew = map.get(key) === undefined;
    const keys = map.size;
    map.set(key, value);
    if (!isNew) return;
    this.#size++;
    if (map.size > keys) return;
    // It was here before, and comes to the end now.
    map.delete(key);
    map.set(key, value);
  }

  /**
   * Removes a key.
   *
   * @param value Only if this is its value; whatever it is if left out.
   * @returns Whether it was there.
   */
  delete(key: K, value?: V): boolean {
    const map = this.#map;
    const found = map?.get(key);
    if (map === undefined || found === undefined) return false;
    if (value !== undefined && found !== value) return false;
    map.set(key, undefined);
    this.#size--;
    if (map.size - this.#size > DEAD_FOR_EACH * this.#size + SLACK) this.#move(map);
    return true;
  }

  /** All values; as for {@linkcode entries}. */
  *values(): IterableIterator<V> {
    const map = this.#map;
    for (const [key, found] of map ?? []) {
      const value = map === this.#map ? found : this.get(key);
      if (value !== undefined) yield value;
    }
  }

  /** All entries. Those that are removed on the way are left out, those that are added may be. */
  *entries(): IterableIterator<[K, V]> {
    const map = this.#map;
    for (const [key, found] of map ?? []) {
      const value = map === this.#map ? found : this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /** Without an iterator, whose pairs would be garbage themselves. */
  #move(from: ReadonlyMap<K, V | undefined>): void {
    if (this.#size === 0) {
      this.#map = undefined;
      return;
    }
    const living = new Map<K, V>();
    from.forEach((value, key) => {
      if (value !== undefined) living.set(key, value);
    });
    this.#map = living;
  }
}
