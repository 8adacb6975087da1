/**
 * Leaves a server that is cut off from the rest of its cluster. It keeps its clients, but whatever
 * they ask of JetStream is in vain, while the others could do it.
 *
 * @module
 */
import { NoRespondersError, TimeoutError } from "@nats-io/nats-core";
import { isObject, parseObject } from "@ourocodus/protocol";
import type { Connection } from "./connection.ts";

/** Options of {@linkcode watchCluster}. */
export interface ClusterWatchOptions {
  /** How often to ask, in milliseconds; 10 000 by default. */
  readonly everyMs?: number;
  /** Told before another server is looked for. */
  readonly onLeave?: () => void;
}

const EVERY_MS = 10_000;
const TIMEOUT_MS = 5_000;
/** How many questions in a row stay unanswered; a cluster that chooses a leader answers sooner. */
const IN_VAIN = 3;
/** JetStream's error code: there is no leader that this server could reach. */
const NO_CLUSTER = 10008;

/**
 * Asks the cluster's leader for something now and then, and connects to another server where it does
 * not answer again and again. It is not asked for the streams: one that is kept by a single server is
 * away with that, wherever one is connected. Does nothing where the server is of no cluster.
 *
 * @returns Ends it.
 */
export function watchCluster(
  connection: Connection,
  options: ClusterWatchOptions = {},
): () => void {
  const { everyMs = EVERY_MS, onLeave } = options;
  let inVain = 0;
  let looking = false;
  const look = async () => {
    const { epoch } = connection;
    const answered = await isAnswered(connection);
    inVain = answered || epoch !== connection.epoch ? 0 : inVain + 1;
    if (inVain < IN_VAIN || !connection.connected) return;
    inVain = 0;
    onLeave?.();
    await connection.nats.reconnect().catch(() => {});
  };
  const mayLook = () => !looking && connection.connected && connection.isClustered;
  const lookAround = () => {
    if (!mayLook()) return;
    looking = true;
    void look().finally(() => looking = false);
  };
  const timer = setInterval(lookAround, everyMs);
  return () => clearInterval(timer);
}

/** Whether the cluster's leader answers; servers that have lost it say so, or nothing. */
async function isAnswered(connection: Connection): Promise<boolean> {
  try {
    const answer = await connection.request("$JS.API.INFO", "", TIMEOUT_MS);
    const { error } = parseObject(answer.string()) ?? {};
    return !isObject(error) || error.err_code !== NO_CLUSTER;
  } catch (error) {
    return !(error instanceof TimeoutError || error instanceof NoRespondersError);
  }
}
