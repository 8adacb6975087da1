import { readFileSync } from "node:fs";
import { messageOf } from "@ourocodus/protocol";
import type { Clock } from "../clock.ts";
import { OptionError } from "../errors.ts";
import { Gateway, type Pass, type Upstream } from "../gateway/mod.ts";
import type { GatewayAddress } from "./gated_environment.ts";

/** Options of {@linkcode ModelGateway.start}. */
export interface ModelGatewayOptions {
  readonly upstreams: readonly Upstream[];
  /** The coding agent's environment: it names certificates that the way to a provider may need. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** The gateway of an agent program, for all coding agents that it starts. */
export class ModelGateway implements AsyncDisposable {
  readonly #gateway: Gateway;

  /** Starts it. @throws {OptionError} If a file of certificates cannot be read. */
  static start({ upstreams, env, clock }: ModelGatewayOptions): ModelGateway {
    return new ModelGateway(Gateway.start({ upstreams, clock, caCerts: certificatesIn(env) }));
  }

  private constructor(gateway: Gateway) {
    this.#gateway = gateway;
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
  }
}

/** Those that agents trust besides the known ones, as Node does. */
function certificatesIn({ NODE_EXTRA_CA_CERTS: path }: ModelGatewayOptions["env"]): string[] {
  if (!path) return [];
  try {
    return [readFileSync(path, "utf8")];
  } catch (error) {
    throw new OptionError(
      `NODE_EXTRA_CA_CERTS is "${path}", which cannot be read: ${messageOf(error)}`,
    );
  }
}
