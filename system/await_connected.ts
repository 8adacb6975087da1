/**
 * Waiting until agents are connected to a relay, whichever it is.
 *
 * @module
 */
import type { Connection } from "@ourocodus/bus";
import { askRelays, type DirectoryAgent } from "@ourocodus/ops";
import { pause } from "@ourocodus/protocol";
import type { RestartedAgents } from "./runtime.ts";
import { SystemError } from "./system_error.ts";

/** Options of {@linkcode awaitConnected}. */
export interface AwaitConnectedOptions {
  readonly session: string;
  readonly role: string;
  /** The agents' ids; the value is when the agent had connected before, which does not count. */
  readonly ids: ReadonlyMap<string, string | undefined>;
  /** Throws if one cannot connect any more; or returns the ids of those, to wait for the others. */
  readonly check: () => Promise<readonly string[] | void>;
  /** Told of each as it is connected. */
  readonly onConnected: (agent: DirectoryAgent) => void;
  readonly signal: AbortSignal;
}

/** How long it may take, in milliseconds: the first start may fetch packages. */
const CONNECTED_MS = 60_000;
/** How long there may be no relay at all, in milliseconds: it may be starting again. */
const RELAY_MS = 10_000;
const LOOK_MS = 50;

/** @throws {SystemError} If one is not connected in time, and whatever `check` throws. */
export async function awaitConnected(
  connection: Connection,
  { session, role, ids, check, onConnected, signal }: AwaitConnectedOptions,
): Promise<void> {
  const left = new Map(ids);
  const begin = performance.now();
  while (left.size > 0) {
    for (const id of await check() ?? []) left.delete(id);
    if (left.size === 0) return;
    const { agents, relays } = await askRelays(connection, { session, role }, {
      timeoutMs: 1_000,
      stallMs: 20,
      signal,
    });
    for (const agent of agents) {
      if (!left.has(agent.agent_id) || left.get(agent.agent_id) === agent.connected_at) continue;
      left.delete(agent.agent_id);
      onConnected(agent);
    }
    if (left.size === 0) return;
    const waitedMs = performance.now() - begin;
    if (relays.length === 0 && waitedMs > RELAY_MS) {
      throw new SystemError(`No relay is connected to NATS at ${connection.url}`);
    }
    if (waitedMs > CONNECTED_MS) {
      const names = [...left.keys()].join(", ");
      throw new SystemError(`Not connected to a relay within ${CONNECTED_MS / 1_000} s: ${names}`);
    }
    await pause(LOOK_MS, signal);
  }
}

/** A check for agents that are waited for together. @throws {SystemError} If one has ended. */
export async function noneEnded(agents: Pick<RestartedAgents, "ended">): Promise<void> {
  const [first] = await agents.ended();
  if (first !== undefined) throw first.error;
}
