/**
 * Leaves a server that is cut off from the rest of its cluster. It keeps its clients, but whatever
 * they ask of JetStream is in vain, while the others could do it.
 *
 * @module
 */
import { NoRespondersError, TimeoutError } from "@nats-io/nats-core";
import type { Connection } from "./connection.ts";
import { isObject, parseObject } from "./message.ts";
import { WORK_STREAM } from "./streams.ts";

/** Options of {@linkcode watchCluster}. */
export interface ClusterWatchOptions {
  /** How often to ask, in milliseconds; 10 000 by default. */
  readonly everyMs?: number;
  /** Told before another server is looked for. */
  readonly onLeave?: () => void;
}

const EVERY_MS = 10_000;
const TIMEOUT_MS = 5_000;
/** So many questions in a row; a cluster that chooses a leader answers sooner. */
const IN_VAIN = 3;
const UNAVAILABLE = 503;

/**
 * Asks the cluster for the work's stream now and then, and connects to another server where there is
 * no answer again and again. Does nothing where the server is of no cluster.
 *
 * @returns Ends it.
 */
export function watchCluster(
  connection: Connection,
  options: ClusterWatchOptions = {},
): () => void {
  const { everyMs = EVERY_MS, onLeave } = options;
  let inVain = 0;
  let asking = false;
  const look = async () => {
    if (asking || !connection.connected || connection.nats.info?.cluster === undefined) return;
    asking = true;
    const { epoch } = connection;
    const answered = await isAnswered(connection);
    asking = false;
    inVain = answered || epoch !== connection.epoch ? 0 : inVain + 1;
    if (inVain < IN_VAIN || !connection.connected) return;
    inVain = 0;
    onLeave?.();
    await connection.nats.reconnect().catch(() => {});
  };
  const timer = setInterval(() => void look(), everyMs);
  return () => clearInterval(timer);
}

/** Whether somebody answers who speaks for the stream, or says that it is gone, or not for us to ask. */
async function isAnswered(connection: Connection): Promise<boolean> {
  try {
    const answer = await connection.request(`$JS.API.STREAM.INFO.${WORK_STREAM}`, "", TIMEOUT_MS);
    const { error, cluster } = parseObject(answer.string()) ?? {};
    if (isObject(error)) return error.code !== UNAVAILABLE;
    // A server that is cut off tells of its own copy, without a leader.
    return !isObject(cluster) || Boolean(cluster.leader);
  } catch (error) {
    return !(error instanceof TimeoutError || error instanceof NoRespondersError);
  }
}
