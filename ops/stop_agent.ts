/**
 * Asking the relays to stop an agent that is connected to one of them.
 *
 * @module
 */
import type { Msg } from "@nats-io/nats-core";
import { askMany, type Connection } from "@ourocodus/bus";
import {
  type AgentStop,
  type AgentStopping,
  parseObject,
  RELAYS_AGENTS_STOP_SUBJECT,
} from "@ourocodus/protocol";

/** How long relays have to answer, in milliseconds. */
const TIMEOUT_MS = 1_000;

/**
 * Tells the relays.
 *
 * @returns What the relay said that has the agent; `undefined` if none has it.
 */
export async function stopConnectedAgent(
  connection: Connection,
  stop: AgentStop,
  options: { readonly timeoutMs?: number } = {},
): Promise<AgentStopping | undefined> {
  let stopping: AgentStopping | undefined;
  await askMany(connection, RELAYS_AGENTS_STOP_SUBJECT, [stop], {
    waitMs: options.timeoutMs ?? TIMEOUT_MS,
    onAnswer: (answer) => (stopping ??= parse(answer)) !== undefined,
  });
  return stopping;
}

function parse(message: Msg): AgentStopping | undefined {
  const { relay_id, in_hand } = parseObject(message.string()) ?? {};
  const whole = typeof relay_id === "string" && typeof in_hand === "number";
  return whole ? { relay_id, in_hand } : undefined;
}
