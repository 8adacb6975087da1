import { getLogger } from "@logtape/logtape";
import { messageOf } from "@ourocodus/protocol";
import type { TokenUsage } from "./api_usage.ts";
import { type Ledger, LedgerError, type UsedUp } from "./ledger.ts";
import type { Pass } from "./pass.ts";

/** Options of {@linkcode Charges}. */
export interface ChargesOptions {
  /** Where tokens are counted; without it nothing is limited. */
  readonly ledger?: Ledger;
  /** How many tokens all requests that the ledger has ever counted may use. */
  readonly budgetTokens?: number;
  /** Told when nothing more can be let through: the ledger cannot be read or written. */
  readonly onBroken?: (why: string) => void;
}

/** What a request is charged; the first call counts. */
export interface Charge {
  /** It was answered. @param usage Undefined if its answer does not tell. */
  answered(usage: TokenUsage | undefined): void;
  /** It has used nothing: it was refused, or never sent. */
  nothing(): void;
}

/** A request that may not be sent. */
export interface Refused {
  readonly status: 402 | 503;
  readonly message: string;
}

const logger = getLogger(["ourocodus", "agent"]);

/** Decides before a request whether it may be sent, and counts afterwards what it has used. */
export class Charges {
  readonly #options: ChargesOptions;

  constructor(options: ChargesOptions) {
    this.#options = options;
  }

  /**
   * Charges a request with the most that it can use, until it is known what it has used. It waits
   * while others of this program might use up a limit.
   *
   * @param signal Aborted when nobody waits any more.
   */
  async begin(pass: Pass, tokens: number, signal: AbortSignal): Promise<Charge | Refused> {
    const { ledger, budgetTokens: total } = this.#options;
    if (ledger === undefined) return chargeOf(pass, () => {});
    const { work, maxTokens } = pass.assignment ?? {};
    const limits = {
      ...(total !== undefined && { total }),
      ...(maxTokens !== undefined && { work: maxTokens }),
    };
    try {
      for (;;) {
        signal.throwIfAborted();
        const reservation = ledger.reserve(work, tokens, limits);
        switch (reservation.kind) {
          case "reserved":
            return chargeOf(pass, (used) => this.#settle(ledger, reservation.id, used));
          case "used_up":
            pass.assignment?.onUsedUp(reservation);
            return { status: 402, message: `Not sent: ${usedUpText(reservation)}` };
          case "busy":
            await settledOrAborted(ledger, signal);
        }
      }
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      this.#options.onBroken?.(error.message);
      return { status: 503, message: error.message };
    }
  }

  #settle(ledger: Ledger, id: number, used: number | undefined): void {
    try {
      ledger.settle(id, used);
    } catch (error) {
      logger.error("{why}", { why: messageOf(error) });
      this.#options.onBroken?.(messageOf(error));
    }
  }
}

/** What is told of a limit that is used up. */
export function usedUpText(
  { scope, tokens, max }: Pick<UsedUp, "scope" | "tokens" | "max">,
): string {
  const whose = scope === "total" ? "the gateway's budget" : "the work item's limit";
  return `${whose} is used up: ${tokens} tokens, limit is ${max}`;
}

function chargeOf(pass: Pass, settle: (used: number | undefined) => void): Charge {
  let isOpen = true;
  const close = (used: number | undefined, count: () => void) => {
    if (!isOpen) return;
    isOpen = false;
    count();
    settle(used);
  };
  return {
    answered: (usage) => close(usage && usage.input + usage.output, () => pass.count(usage)),
    nothing: () => close(0, () => {}),
  };
}

async function settledOrAborted(ledger: Ledger, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort);
  await Promise.race([ledger.untilSettled(), promise]);
  signal.removeEventListener("abort", onAbort);
}
