/**
 * What a server logs of its connection to NATS.
 *
 * @module
 */
import type { ConnectOptions } from "@ourocodus/bus";
import type { Logger } from "@logtape/logtape";

/** Options with which a connection logs, and goes on. */
export function natsReports(log: Logger): Pick<ConnectOptions, "onError" | "onBug"> {
  return {
    onError: (error) => log.warn("NATS reports an error", { error: error.message }),
    // Whatever it was about, the others go on.
    onBug: (thrown) =>
      log.error("what NATS sent was not dealt with", { error: Deno.inspect(thrown) }),
  };
}
