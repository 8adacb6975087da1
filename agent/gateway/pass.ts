import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { TokenUsage } from "./api_usage.ts";
import type { UsedUp } from "./ledger.ts";

/** What a pass is used for. */
export interface PassAssignment {
  /** Tells the work item from all others: its attempts share its limit. */
  readonly work: string;
  /** How many tokens the work item may use. */
  readonly maxTokens?: number;
  /** Told when a request was refused. */
  readonly onUsedUp: (limit: UsedUp) => void;
}

/**
 * Lets one process of a coding agent through the gateway, until it is revoked, and counts what the
 * process uses.
 */
export class Pass implements Disposable {
  /** What the process shows in the place of a key. */
  readonly token: string = `ourocodus-${randomBytes(24).toString("base64url")}`;
  readonly #hash = hashOf(this.token);
  readonly #revoked = new AbortController();
  readonly #onRevoked: () => void;
  #assignment: PassAssignment | undefined;
  #usage: TokenUsage = { input: 0, output: 0, cached: 0 };
  #requests = 0;
  #unknown = 0;

  /** @param onRevoked Called once. */
  constructor(onRevoked: () => void) {
    this.#onRevoked = onRevoked;
  }

  /** Aborted when it is revoked: what is under way ends. */
  get signal(): AbortSignal {
    return this.#revoked.signal;
  }

  /** What its process works on; undefined while that waits for work. */
  get assignment(): PassAssignment | undefined {
    return this.#assignment;
  }

  /** Its process has got work. */
  assign(assignment: PassAssignment): void {
    this.#assignment = assignment;
  }

  /** What its answered requests have used; undefined if one did not tell, or there was none. */
  get usage(): TokenUsage | undefined {
    return this.#unknown > 0 || this.#requests === 0 ? undefined : this.#usage;
  }

  /** How many requests were answered without telling their tokens. */
  get unknownRequests(): number {
    return this.#unknown;
  }

  /** Compares in a time that does not depend on the token. */
  isFor(token: string): boolean {
    return timingSafeEqual(this.#hash, hashOf(token));
  }

  /** A request was answered. @param usage Undefined if the answer did not tell. */
  count(usage: TokenUsage | undefined): void {
    if (usage === undefined) {
      this.#unknown++;
      return;
    }
    const { input, output, cached } = this.#usage;
    this.#requests++;
    this.#usage = {
      input: input + usage.input,
      output: output + usage.output,
      ...(cached !== undefined && usage.cached !== undefined && { cached: cached + usage.cached }),
    };
  }

  /** Lets nothing more through, and ends what is under way. */
  [Symbol.dispose](): void {
    if (this.#revoked.signal.aborted) return;
    this.#revoked.abort(new Error("The pass was revoked"));
    this.#onRevoked();
  }
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
