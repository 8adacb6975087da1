import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "@ourocodus/protocol";
import type { Clock } from "../clock.ts";
import { OptionError } from "../errors.ts";
import {
  Gateway,
  Ledger,
  LedgerError,
  type Pass,
  Recording,
  type Upstream,
  usedUpText,
} from "../gateway/mod.ts";
import type { GatewayAddress } from "./gated_environment.ts";

/** Options of {@linkcode ModelGateway.start}. */
export interface ModelGatewayOptions {
  readonly upstreams: readonly Upstream[];
  /** The coding agent's environment: it names certificates that the way to a provider may need. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** The folder of worktrees, which has the count of tokens. */
  readonly worktrees: string;
  readonly budgetTokens?: number;
  /** The folder for a recording. */
  readonly record?: string;
  /** Told when nothing can be counted, and so nothing is let through. */
  readonly onBroken: (why: string) => void;
}

/** The gateway of an agent program, for all coding agents that it starts. */
export class ModelGateway implements AsyncDisposable {
  readonly #gateway: Gateway;
  readonly #files: DisposableStack;

  /** Starts it. @throws {OptionError} If tokens cannot be counted, or certificates not be read. */
  static start({ env, worktrees, record, ...options }: ModelGatewayOptions): ModelGateway {
    const caCerts = certificatesIn(env);
    const { upstreams, clock } = options;
    using files = new DisposableStack();
    const recording = record === undefined
      ? undefined
      : files.use(openRecording(record, upstreams, clock));
    const ledger = files.use(openLedger(worktrees));
    const gateway = Gateway.start({
      ...options,
      ledger,
      caCerts,
      ...(recording !== undefined && { recording }),
    });
    return new ModelGateway(gateway, files.move());
  }

  private constructor(gateway: Gateway, files: DisposableStack) {
    this.#gateway = gateway;
    this.#files = files;
  }

  /** Makes a pass for a process. */
  admit(): Pass {
    return this.#gateway.admit();
  }

  /** Where a process with this pass finds it. */
  at({ token }: Pass): GatewayAddress {
    const { url, providers } = this.#gateway;
    return { url, token, providers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway[Symbol.asyncDispose]();
    this.#files.dispose();
  }
}

/**
 * Looks whether the budget allows anything.
 *
 * @returns What is wrong, ending in what to do; undefined if nothing is.
 */
export function missingBudget(worktrees: string, budgetTokens: number): string | undefined {
  if (!existsSync(ledgerPath(worktrees))) return undefined;
  try {
    using ledger = openLedger(worktrees);
    const { tokens } = ledger;
    if (tokens < budgetTokens) return undefined;
    const text = usedUpText({ scope: "total", tokens, max: budgetTokens });
    return `${text}; give a higher --gateway-budget`;
  } catch (error) {
    if (error instanceof OptionError || error instanceof LedgerError) return error.message;
    throw error;
  }
}

function ledgerPath(worktrees: string): string {
  return join(worktrees, "gateway", "tokens.db");
}

function openRecording(folder: string, upstreams: readonly Upstream[], clock: Clock): Recording {
  try {
    return Recording.open(folder, { clock, keys: upstreams.map(({ key }) => key) });
  } catch (error) {
    throw new OptionError(`Cannot record in ${folder}: ${messageOf(error)}`);
  }
}

function openLedger(worktrees: string): Ledger {
  try {
    return Ledger.open(ledgerPath(worktrees));
  } catch (error) {
    if (error instanceof LedgerError) throw new OptionError(error.message);
    throw error;
  }
}

/**
 * Certificate authorities that agents trust besides the known ones, as Node does.
 *
 * @throws {OptionError} If the file cannot be read.
 */
export function certificatesIn(
  { NODE_EXTRA_CA_CERTS: path }: ModelGatewayOptions["env"],
): string[] {
  if (!path) return [];
  try {
    return [readFileSync(path, "utf8")];
  } catch (error) {
    throw new OptionError(
      `NODE_EXTRA_CA_CERTS is "${path}", which cannot be read: ${messageOf(error)}`,
    );
  }
}
