/**
 * What can go wrong with NATS, as classes with a stable `code`.
 *
 * @module
 */
import { OurocodusError } from "@ourocodus/protocol";

/** No NATS server could be reached, or it refused us. */
export class ConnectError extends OurocodusError {
  override readonly name = "ConnectError";

  constructor(message: string, options?: ErrorOptions) {
    super("nats_connect", message, options);
  }
}

/** A stream exists with settings under which our promises do not hold, or cannot be made. */
export class StreamError extends OurocodusError {
  override readonly name = "StreamError";
  /** Whether the same may succeed in a moment: a cluster is choosing a leader, say. */
  readonly passing: boolean;

  constructor(message: string, options: ErrorOptions & { readonly passing?: boolean } = {}) {
    super("stream", message, options);
    this.passing = options.passing ?? false;
  }
}

/** A message was not stored. */
export class PublishError extends OurocodusError {
  override readonly name = "PublishError";

  constructor(message: string, options?: ErrorOptions) {
    super("publish", message, options);
  }
}
