/**
 * Answers the requests `relays.agents`, in pages that fit the server's payload limit,
 * `relays.agents.stop`, `relays.work.cancel` and `relays.work.extend`.
 *
 * @module
 */
import { chunks, type Connection } from "@ourocodus/bus";
import {
  type AgentRecord,
  type AgentsPage,
  type AgentsQuery,
  type AgentStopping,
  parseAgentStop,
  parseCancelNotice,
  parseExtendRequest,
  parseObject,
  RELAYS_AGENTS_STOP_SUBJECT,
  RELAYS_AGENTS_SUBJECT,
  RELAYS_WORK_CANCEL_SUBJECT,
  RELAYS_WORK_EXTEND_SUBJECT,
  VERSION,
} from "@ourocodus/protocol";
import type { Relay } from "./relay.ts";

/** The bytes of a page apart from its agents, at most. */
const ENVELOPE_BYTES = 1_024;
/** How much of the reason why a relay is unhealthy fits into that. */
const MAX_REASON_CHARACTERS = 200;
const UTF8 = new TextEncoder();

/** Answers until the connection is closed. */
export function answerAgentQueries(connection: Connection, relay: Relay): void {
  connection.subscribe(RELAYS_AGENTS_SUBJECT, (error, msg) => {
    if (error || !msg.reply) return;
    const { trouble } = relay;
    const agents = relay.agents(parseQuery(msg.string()));
    const lists = paginate(agents, connection.maxPayloadBytes - ENVELOPE_BYTES);
    lists.forEach((list, index) => {
      const page: AgentsPage = {
        relay_id: relay.id,
        version: VERSION,
        fence: true,
        ...(trouble !== undefined && { reason: trouble.slice(0, MAX_REASON_CHARACTERS) }),
        page: index + 1,
        pages: lists.length,
        agents: list,
      };
      msg.respond(JSON.stringify(page));
    });
  });
}

/** Stops agents that are connected here, when asked to; stays silent about others. */
export function answerAgentStops(connection: Connection, relay: Relay): void {
  connection.subscribe(RELAYS_AGENTS_STOP_SUBJECT, (error, msg) => {
    const stop = error ? undefined : parseAgentStop(msg.string());
    const in_hand = stop && relay.stopAgent(stop);
    if (in_hand === undefined) return;
    msg.respond(JSON.stringify({ relay_id: relay.id, in_hand } satisfies AgentStopping));
  });
}

/** Takes cancelled work away from the agents that have it; stays silent about other work. */
export function answerCancellations(connection: Connection, relay: Relay): void {
  connection.subscribe(RELAYS_WORK_CANCEL_SUBJECT, (error, msg) => {
    const notice = error ? undefined : parseCancelNotice(msg.string());
    const holder = notice && relay.cancelWork(notice);
    if (holder !== undefined) msg.respond(JSON.stringify(holder));
  });
}

/** Gives work of agents that are connected here more time; stays silent about other work. */
export function answerExtensions(connection: Connection, relay: Relay): void {
  connection.subscribe(RELAYS_WORK_EXTEND_SUBJECT, (error, msg) => {
    const request = error ? undefined : parseExtendRequest(msg.string());
    const extended = request && relay.extendWork(request);
    if (extended !== undefined) msg.respond(JSON.stringify(extended));
  });
}

/**
 * Splits records into lists whose JSON has at most `limit` bytes. An agent with more work than that
 * has several records, each with some of it.
 */
export function paginate(records: readonly AgentRecord[], limit: number): AgentRecord[][] {
  const parts = records.flatMap((record) => {
    const { work = [], ...rest } = record;
    const room = limit - jsonBytes({ ...rest, work: [] });
    if (work.length < 2 || jsonBytes(work) <= room) return record;
    return fill(work, room).map((some) => ({ ...rest, work: some }));
  });
  const pages = fill(parts, limit);
  return pages.length > 0 ? pages : [[]];
}

/** Lists of at most `limit` bytes of JSON each; an item that takes more has its own. */
function fill<T>(items: readonly T[], limit: number): T[][] {
  const sizeOf = (item: T) => jsonBytes(item) + ",".length;
  return chunks(items, { limit: limit - "[]".length, sizeOf });
}

function jsonBytes(value: unknown): number {
  return UTF8.encode(JSON.stringify(value)).length;
}

function parseQuery(text: string): AgentsQuery {
  const { session, role, work } = parseObject(text) ?? {};
  const name = (value: unknown) => typeof value === "string" ? value : undefined;
  return { session: name(session), role: name(role), work: work === true };
}
