/**
 * Gives memory back after many agents have come or gone. What that leaves behind is as much as what
 * stays, and V8 collects it only when something more is allocated: a relay whose agents are idle
 * would keep it for good. So it is collected once, when no more come or go: it takes some 25 ms for
 * each thousand agents, in which nothing else happens, a seventh of what their coming took.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Not too soon: their roles look for work for some seconds. */
const EVERY_MS = 4_000;
/** For fewer agents it is not worth the while. */
const MANY_CHANGES = 1_000;

/** Looks every few seconds whether there is something to collect. */
export class SpareMemory {
  readonly #changes: () => number;
  readonly #collect: (() => void) | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  #collectedAt = 0;
  #lookedAt = 0;

  /**
   * @param changes How often an agent came or went, ever.
   * @param collect Collects; V8's own collector by default.
   */
  constructor(changes: () => number, collect = garbageCollector()) {
    this.#changes = changes;
    this.#collect = collect;
    this.#timer = setInterval(() => this.look(), EVERY_MS);
  }

  /** What is done every few seconds; for tests also called by hand. */
  look(): void {
    const changes = this.#changes();
    const quiet = changes === this.#lookedAt;
    this.#lookedAt = changes;
    if (!quiet || changes - this.#collectedAt < MANY_CHANGES) return;
    this.#collectedAt = changes;
    this.#collect?.();
  }

  /** Stops looking. */
  close(): void {
    clearInterval(this.#timer);
  }
}

/** V8's collector, without a flag on the command line; `undefined` if there is none. */
export function garbageCollector(): (() => void) | undefined {
  try {
    setFlagsFromString("--expose-gc");
    const collect: unknown = runInNewContext("globalThis.gc");
    setFlagsFromString("--no-expose-gc");
    return typeof collect === "function" ? () => void collect() : undefined;
  } catch {
    return undefined;
  }
}
