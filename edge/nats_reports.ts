/**
 * What a server logs of its connection to NATS.
 *
 * @module
 */
import type { ClusterWatchOptions, Connection, ConnectOptions } from "@ourocodus/bus";
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

/** Options with which it is logged that a server is left because it has lost its cluster. */
export function leaveReport(log: Logger, { nats }: Connection): ClusterWatchOptions {
  return {
    onLeave: () =>
      log.warn("NATS has no JetStream here any more; another server is looked for", {
        server: nats.getServer(),
      }),
  };
}
